/**
 * Items of kept answers that a request names by their ids: Vercel's AI SDK, for one, sends what a model said before as
 * `{"type": "item_reference", "id": "msg_…"}`. The answer that an item is of is known by the item's id.
 */
import type { ItemReferences } from "@localmodel/inference/endpoint.ts";
import { invalidRequest, itemNotFound, requestTooLarge } from "@localmodel/inference/refusals.ts";
import { parseJson } from "@localmodel/openai/parsing/json.ts";
import { Turns } from "@localmodel/service/process/turns.ts";
import type { AnswerStore } from "./answer-store.ts";

/** Each is asked for by itself. */
const ANSWERS_MAX = 1024;
const ASKED_AT_ONCE = 8;

/** All requests share them. */
const turns = new Turns();

type Naming = {
  readonly references: ItemReferences;
  /** In which items may be named, as JSON. */
  readonly prompts: readonly Buffer[];
  /** Of what is named, each as often as it is. */
  readonly maxBytes: number;
};

/**
 * The items that are named, by their ids, as JSON. Throws a 404 for one that is not kept, or is another tenant's, and a 413
 * where they are too large together.
 */
export async function referencedItems(
  kept: Pick<AnswerStore, "turn">,
  tenant: string,
  { references, prompts, maxBytes }: Naming,
): Promise<ReadonlyMap<string, Buffer>> {
  const ids = await idsIn(prompts, references);
  const found = await itemsOf(kept, tenant, answersOf(ids, references));
  let bytes = 0;
  const items = new Map<string, Buffer>();
  for (const id of ids) {
    const item = found.get(id);
    if (item === undefined) throw itemNotFound(id);
    bytes += item.length;
    if (bytes > maxBytes) throw requestTooLarge(maxBytes);
    items.set(id, item);
  }
  return items;
}

async function idsIn(
  prompts: readonly Buffer[],
  { mark, idsIn: idsOf }: ItemReferences,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const prompt of prompts) {
    if (prompt.includes(mark)) ids.push(...idsOf(await parseJson(prompt, turns.next)));
  }
  return ids;
}

function answersOf(ids: readonly string[], { answerOf }: ItemReferences): readonly string[] {
  const answers = new Set<string>();
  for (const id of ids) {
    const answer = answerOf(id);
    if (answer === undefined) throw itemNotFound(id);
    answers.add(answer);
  }
  if (answers.size <= ANSWERS_MAX) return [...answers];
  const message = `Invalid 'input': its references lead to items of ${answers.size} responses, and at most ${ANSWERS_MAX} are looked up. Go on with 'previous_response_id', or send the items themselves.`;
  throw invalidRequest("input", message, "invalid_value");
}

/** All items of some answers, as far as those are kept. */
async function itemsOf(
  kept: Pick<AnswerStore, "turn">,
  tenant: string,
  answers: readonly string[],
): Promise<ReadonlyMap<string, Buffer>> {
  const items = new Map<string, Buffer>();
  for (let next = 0; next < answers.length; next += ASKED_AT_ONCE) {
    const some = answers.slice(next, next + ASKED_AT_ONCE);
    const asked = await Promise.all(some.map((id) => kept.turn(tenant, id)));
    for (const turn of asked) {
      if (turn === undefined) continue;
      for (const [id, json] of namedItems(turn.output)) items.set(id, json);
      await turns.next();
    }
  }
  return items;
}

function namedItems(output: Buffer): readonly (readonly [string, Buffer])[] {
  const items = JSON.parse(`[${output.toString()}]`) as readonly { readonly id?: unknown }[];
  return items.flatMap((item) =>
    typeof item.id === "string" ? [[item.id, Buffer.from(JSON.stringify(item))] as const] : [],
  );
}
