/**
 * The beginning of a prompt as a chain of hashes, so that two prompts can be compared without keeping either.
 *
 * The chain starts from the model, the tenant and the tools and goes over the bytes of `messages` (or `prompt`) as the
 * client wrote them. A link ends where a message ends, and after every 512 bytes:
 *
 *   link 1 = hash(model, tenant, tools, first block)      link n = hash(link n-1, block n)
 *
 * Equal links therefore mean equal beginnings of the same tenant for the same model. Links are 32 bits
 * long; two that are equal by chance cost one request its reuse and nothing else.
 */
import type { PromptSpan } from "../request/outline.ts";

export type Link = {
  readonly hash: number;
  /** Bytes of the prompt up to here. */
  readonly bytes: number;
  /** Ends the first message of a user: what all turns of a conversation begin with, and no other does. */
  readonly opens?: true;
};

const BLOCK_MAX_BYTES = 512;
/** What comes after so many blocks makes no difference between conversations any more. */
const LINKS_MAX = 128;
/** Where a message says whose it is: clients write it first or last. */
const ROLE_WITHIN_BYTES = 96;
/** Within a text its quotes would be escaped. */
const OF_USER = /"role"\s*:\s*"user"/;

/** `earlier` is the chain of the conversation that this prompt goes on with. */
export function promptChain(
  body: Buffer,
  prompt: PromptSpan,
  { seed, earlier = [] }: { readonly seed: string; readonly earlier?: readonly Link[] },
): readonly Link[] {
  const links = [...earlier];
  const last = earlier.at(-1);
  const bytesBefore = last?.bytes ?? 0;
  let hash = last?.hash ?? hashOfHeads(body, prompt, seed);
  const opening = last === undefined ? endOfOpening(body, prompt) : undefined;
  let from = prompt.start;
  for (const end of prompt.ends) {
    while (from < end) {
      if (links.length >= LINKS_MAX) return links;
      const to = Math.min(end, from + BLOCK_MAX_BYTES);
      hash = hashOf(hash, body, from, to);
      const bytes = bytesBefore + to - prompt.start;
      links.push({ hash, bytes, ...(to === opening && { opens: true }) });
      from = to;
    }
  }
  return links;
}

/** Who sends other tools has another prompt, however its messages begin. */
function hashOfHeads(body: Buffer, { heads }: PromptSpan, seed: string): number {
  return heads.reduce((hash, { start, end }) => hashOf(hash, body, start, end), hashOfText(seed));
}

function endOfOpening(body: Buffer, { start, ends }: PromptSpan): number | undefined {
  return ends.find((end, index) => isOfUser(body, ends[index - 1] ?? start, end));
}

function isOfUser(body: Buffer, from: number, to: number): boolean {
  const head = body.toString("latin1", from, Math.min(to, from + ROLE_WITHIN_BYTES));
  const tail = body.toString("latin1", Math.max(from, to - ROLE_WITHIN_BYTES), to);
  return OF_USER.test(head) || OF_USER.test(tail);
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a, going on from `hash`. */
function hashOf(hash: number, bytes: Uint8Array, from: number, to: number): number {
  let value = hash;
  for (let at = from; at < to; at++) value = Math.imul(value ^ (bytes[at] as number), FNV_PRIME);
  return value;
}

function hashOfText(text: string): number {
  const bytes = Buffer.from(text);
  return hashOf(FNV_OFFSET, bytes, 0, bytes.length);
}
