/** An answer is kept while it passes, if its request does not say otherwise. */
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import type { Response } from "express";
import type { Link } from "../balancing/prompt-chain.ts";
import { contextOf, tenantOf } from "../request/context.ts";
import { type AnswerKeeper, streamKeeper, wholeAnswerKeeper } from "./answer-keeper.ts";
import type { AnswerStore } from "./answer-store.ts";

const ANSWER_MAX_BYTES = 4 * 1024 * 1024;

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
