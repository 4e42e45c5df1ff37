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
};

const BLOCK_MAX_BYTES = 512;
/** What comes after so many blocks makes no difference between conversations any more. */
const LINKS_MAX = 128;

/** `earlier` is the chain of the conversation that this prompt goes on with. */
export function promptChain(
  body: Buffer,
  prompt: PromptSpan,
  { seed, earlier = [] }: { readonly seed: string; readonly earlier?: readonly Link[] },
): readonly Link[] {
  const links = [...earlier];
  const last = earlier.at(-1);
  const bytesBefore = last?.bytes ?? 0;
  let hash = last?.hash ?? hashOfText(seed);
  // Who sends other tools has another prompt, however its messages begin.
  if (last === undefined) {
    for (const { start, end } of prompt.heads) hash = hashOf(hash, body, start, end);
  }
  let from = prompt.start;
  for (const end of prompt.ends) {
    while (from < end) {
      if (links.length >= LINKS_MAX) return links;
      const to = Math.min(end, from + BLOCK_MAX_BYTES);
      hash = hashOf(hash, body, from, to);
      links.push({ hash, bytes: bytesBefore + to - prompt.start });
      from = to;
    }
  }
  return links;
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
