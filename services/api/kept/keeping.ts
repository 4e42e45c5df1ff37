/**
 * The two ends of keeping: what a request goes on with is put before its body, and its answer is kept while it passes.
 *
 * The client's bytes stay as they came. What stands before them is the conversation, and a header says how many bytes it
 * has: the model server reads the one after the other.
 */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import { codeOf } from "@localmodel/inference/failure.ts";
import { requestTooLarge } from "@localmodel/inference/refusals.ts";
import { spanOf } from "@localmodel/service/http/server-span.ts";
import { within } from "@localmodel/telemetry/spans/span.ts";
import type { RequestHandler, Response } from "express";
import type { Link } from "../balancing/prompt-chain.ts";
import { contextOf, tenantOf } from "../request/context.ts";
import type { Reference } from "../request/reference.ts";
import { BYTES_PER_TOKEN } from "../request/token-estimate.ts";
import { type AnswerKeeper, streamKeeper, wholeAnswerKeeper } from "./answer-keeper.ts";
import type { AnswerStore } from "./answer-store.ts";
import type { KeptResponse } from "./kept-responses.ts";

const ANSWER_MAX_BYTES = 4 * 1024 * 1024;
const [OPEN, COMMA, CLOSE] = [Buffer.from("["), Buffer.from(","), Buffer.from("]")];

type Where = {
  /** Absent: no answer is kept. */
  readonly kept?: AnswerStore;
  /** Of a body together with what comes before it. */
  readonly limits: { readonly bodyMaxBytes: number };
};

/**
 * Follows `readReference`. Throws a 404 for an answer that is not kept, or is another tenant's, and a 503 where the store
 * is away and the client said that it needs it. Whoever has not said so goes on, and his answer is kept if it can be.
 */
export function findEarlier({ kept, limits }: Where, { keeps }: Endpoint): RequestHandler {
  return async (_req, res, next) => {
    const context = contextOf(res);
    const { reference } = context;
    if (kept === undefined || keeps === undefined || reference?.keeping === undefined)
      return next();
    const { previous, mustStore } = reference.keeping;
    if (mustStore && kept.outage !== undefined) throw kept.outage;
    const { bodyMaxBytes } = limits;
    const turns = previous === undefined ? [] : await recall(res, kept, previous, bodyMaxBytes);
    context.reference = following(reference, turns, bodyMaxBytes);
    next();
  };
}

function recall(
  res: Response,
  kept: AnswerStore,
  previous: string,
  maxBytes: number,
): Promise<readonly KeptResponse[]> {
  return within(spanOf(res), "recall", {
    act: () => kept.turnsUpTo(tenantOf(res), previous, maxBytes),
    describe: ({ length }) => ({ "localmodel.recall.turns": length }),
    errorTypeOf: codeOf,
  });
}

function following(
  reference: Reference,
  turns: readonly KeptResponse[],
  maxBytes: number,
): Reference {
  const json = arrayOf(itemsOf(turns));
  const bytes = json.reduce((sum, { length }) => sum + length, 0);
  if (bytes + reference.body.length > maxBytes) throw requestTooLarge(maxBytes);
  return {
    ...reference,
    earlier: { json, bytes, chain: turns.at(-1)?.chain ?? [] },
    estimatedTokens: reference.estimatedTokens + Math.ceil(bytes / BYTES_PER_TOKEN),
  };
}

/** The items of a conversation, oldest first, as JSON. */
export function itemsOf(turns: readonly KeptResponse[]): readonly Buffer[] {
  return turns.flatMap(({ input, output }) => [input, output]).filter(({ length }) => length > 0);
}

function arrayOf(items: readonly Buffer[]): readonly Buffer[] {
  if (items.length === 0) return [];
  return [OPEN, ...items.flatMap((item, index) => (index === 0 ? [item] : [COMMA, item])), CLOSE];
}

/** Undefined for an answer that is not to be kept. `chain` is that of the request's prompt. */
export function keeperFor(
  kept: AnswerStore,
  res: Response,
  { keeps, chain }: Pick<Endpoint, "keeps"> & { readonly chain: () => readonly Link[] },
): ((isStream: boolean) => AnswerKeeper) | undefined {
  const keeping = contextOf(res).reference?.keeping;
  const { answers } = keeps ?? {};
  if (answers === undefined || keeping?.store !== true) return undefined;
  const keep = (response: unknown): Promise<void> | undefined => {
    if (!isResponse(response)) return undefined;
    return kept.keep(tenantOf(res), {
      id: response.id,
      ...(keeping.previous !== undefined && { previous: keeping.previous }),
      input: itemsIn(parsed(keeping.input)),
      output: itemsIn(response.output),
      response: Buffer.from(JSON.stringify(response)),
      chain: chain(),
    });
  };
  const maxBytes = Math.min(ANSWER_MAX_BYTES, kept.oneMaxBytes);
  return (isStream) =>
    isStream
      ? streamKeeper(answers.lastEvents, { maxBytes, keep: (event) => keep(responseIn(event)) })
      : wholeAnswerKeeper({ maxBytes, keep: (body) => keep(parsed(body)) });
}

type KeepableResponse = { readonly id: string; readonly output: readonly unknown[] };

function isResponse(value: unknown): value is KeepableResponse {
  if (typeof value !== "object" || value === null) return false;
  const { id, output } = value as Readonly<Record<string, unknown>>;
  return typeof id === "string" && Array.isArray(output);
}

function responseIn(event: Buffer): unknown {
  const value = parsed(event);
  return typeof value === "object" && value !== null && "response" in value ? value.response : null;
}

/** What is no JSON is nothing to keep: whoever sent it is told elsewhere. */
function parsed(json: Buffer | undefined): unknown {
  try {
    return JSON.parse(json?.toString() ?? "null");
  } catch {
    return null;
  }
}

/** One after the other, with commas between. A text is a message of the user's. */
function itemsIn(input: unknown): Buffer {
  if (input === null) return Buffer.alloc(0);
  const items = Array.isArray(input)
    ? input
    : [{ type: "message", role: "user", content: [{ type: "input_text", text: input }] }];
  return Buffer.from(JSON.stringify(items).slice(1, -1));
}
