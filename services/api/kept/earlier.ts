/**
 * What a request goes on with, and items that it names, are put before its body.
 *
 * The client's bytes stay as they came. What stands before them is the conversation, and then the items; headers say how many
 * bytes each has: the model server reads the one after the other.
 */
import type { Endpoint, ItemReferences } from "@localmodel/inference/endpoint.ts";
import { codeOf } from "@localmodel/inference/failure.ts";
import { requestTooLarge } from "@localmodel/inference/refusals.ts";
import { spanOf } from "@localmodel/service/http/server-span.ts";
import { within } from "@localmodel/telemetry/spans/span.ts";
import type { RequestHandler, Response } from "express";
import { contextOf, tenantOf } from "../request/context.ts";
import type { KeptItems, Reference } from "../request/reference.ts";
import { BYTES_PER_TOKEN } from "../request/token-estimate.ts";
import type { AnswerStore } from "./answer-store.ts";
import type { KeptResponse } from "./kept-responses.ts";
import { referencedItems } from "./references.ts";

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
    const { mustStore } = reference.keeping;
    if (mustStore && kept.outage !== undefined) throw kept.outage;
    const { bodyMaxBytes: maxBytes } = limits;
    const { references } = keeps;
    const asked = { keeping: reference.keeping, references, maxBytes };
    const there = await recall(res, kept, asked);
    context.reference = following(reference, there, maxBytes);
    next();
  };
}

type Asked = {
  readonly keeping: NonNullable<Reference["keeping"]>;
  readonly references: ItemReferences | undefined;
  readonly maxBytes: number;
};

type Found = {
  readonly turns: readonly KeptResponse[];
  /** Items that the request, or the conversation, names. */
  readonly named: ReadonlyMap<string, Buffer>;
};

const NOTHING: Found = { turns: [], named: new Map() };

async function recall(res: Response, kept: AnswerStore, asked: Asked): Promise<Found> {
  const { keeping, references } = asked;
  const { previous, input } = keeping;
  const names = references !== undefined && input?.includes(references.mark) === true;
  if (previous === undefined && !names) return NOTHING;
  return within(spanOf(res), "recall", {
    act: () => find(kept, tenantOf(res), asked),
    describe: ({ turns, named }) => ({
      "localmodel.recall.turns": turns.length,
      ...(named.size > 0 && { "localmodel.recall.items": named.size }),
    }),
    errorTypeOf: codeOf,
  });
}

async function find(
  kept: AnswerStore,
  tenant: string,
  { keeping, references, maxBytes }: Asked,
): Promise<Found> {
  const { previous, input } = keeping;
  const turns = previous === undefined ? [] : await kept.turnsUpTo(tenant, previous, maxBytes);
  if (references === undefined) return { ...NOTHING, turns };
  const before = turns
    .filter((turn) => turn.input.includes(references.mark))
    .map((turn) => Buffer.concat([OPEN, turn.input, CLOSE]));
  const prompts = input === undefined ? before : [...before, input];
  const named = await referencedItems(kept, tenant, { references, prompts, maxBytes });
  return { turns, named };
}

function following(reference: Reference, { turns, named }: Found, maxBytes: number): Reference {
  const conversation = arrayOf(itemsOf(turns));
  const referenced = arrayOf([...named.values()]);
  const bytes = conversation.bytes + referenced.bytes;
  if (bytes + reference.body.length > maxBytes) throw requestTooLarge(maxBytes);
  return {
    ...reference,
    earlier: { ...conversation, referenced, chain: turns.at(-1)?.chain ?? [] },
    estimatedTokens: reference.estimatedTokens + Math.ceil(bytes / BYTES_PER_TOKEN),
  };
}

/** The items of a conversation, oldest first, as JSON. */
export function itemsOf(turns: readonly KeptResponse[]): readonly Buffer[] {
  return turns.flatMap(({ input, output }) => [input, output]).filter(({ length }) => length > 0);
}

function arrayOf(items: readonly Buffer[]): KeptItems {
  if (items.length === 0) return { json: [], bytes: 0 };
  const json = [
    OPEN,
    ...items.flatMap((item, index) => (index === 0 ? [item] : [COMMA, item])),
    CLOSE,
  ];
  return { json, bytes: json.reduce((sum, { length }) => sum + length, 0) };
}
