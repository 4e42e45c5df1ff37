/**
 * Where the prompt of a request stands in its body, with what becomes its beginning: tools, say, or the system message.
 */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import type { Field, Outline, PromptSpan } from "./outline.ts";

export function promptSpan(
  body: Buffer,
  outline: Outline,
  { fields, promptHeads = [], passedOver }: Pick<Endpoint, "fields" | "promptHeads" | "passedOver">,
): PromptSpan | undefined {
  const field = outline.field(fields.prompt);
  if (field === undefined) return undefined;
  const { start, end, partEnds } = field;
  const named = promptHeads.map((name) => outline.field(name)).filter((head) => head !== undefined);
  const heads =
    passedOver === undefined ? named : named.flatMap((head) => around(passedOver, body, head));
  return { start, ends: partEnds.length > 0 ? partEnds : [end], heads };
}

const QUOTE = 0x22;

/** What stands before and behind the first text that begins so. Such a text holds no quote. */
function around(beginning: string, body: Buffer, { start, end }: Field) {
  const head = body.subarray(start, end);
  const at = head.indexOf(`"${beginning}`);
  const textEnd = at === -1 ? -1 : head.indexOf(QUOTE, at + 1);
  if (textEnd === -1) return [{ start, end }];
  return [
    { start, end: start + at },
    { start: start + textEnd, end },
  ];
}
