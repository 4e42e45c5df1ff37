/**
 * From a schema to a parser: a body in, the typed request out, or the Failure that says what is wrong.
 *
 * Unknown fields are accepted, because clients are newer than servers, and reported instead of refused.
 */
import type { z } from "zod";
import { nullsAbsent } from "./fields.ts";
import { issueToError } from "./issue.ts";

export type Parsed<Request> = {
  readonly request: Request;
  /** Fields of the body that had no effect, in the order they were sent. */
  readonly ignored: readonly string[];
};

/** How long the model is to stay loaded afterwards: who routes the request sees to it. */
const HONOURED_ELSEWHERE = ["keep_alive", "ttl"];

export const IGNORED_HEADER = "x-ignored-params";

export function requestParser<Schema extends z.ZodType>(
  schema: Schema,
  honoured: readonly string[],
): (body: unknown) => Parsed<z.output<Schema>> {
  const isHonoured = new Set([...honoured, ...HONOURED_ELSEWHERE]);
  const tolerant = nullsAbsent(schema);
  return (body) => {
    const result = tolerant.safeParse(body);
    const [issue] = result.error?.issues ?? [];
    if (issue !== undefined) throw issueToError(issue, body);
    const ignored = Object.entries(body as object)
      .filter(([name, value]) => value !== null && !isHonoured.has(name))
      .map(([name]) => name);
    return { request: result.data as z.output<Schema>, ignored };
  };
}

const HEADER_MAX_CHARACTERS = 1024;
const NAME_MAX_CHARACTERS = 64;

/** Names as one header value: percent-encoded, because a client may name a field anything. */
export function ignoredHeader(ignored: readonly string[]): string {
  const names: string[] = [];
  let characters = 0;
  for (const name of ignored) {
    const encoded = encodeURIComponent(name.slice(0, NAME_MAX_CHARACTERS).toWellFormed());
    characters += encoded.length + 2;
    if (characters > HEADER_MAX_CHARACTERS) {
      return `${names.join(", ")}, and ${ignored.length - names.length} more`;
    }
    names.push(encoded);
  }
  return names.join(", ");
}
