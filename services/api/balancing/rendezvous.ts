/**
 * Where a conversation belongs that nobody knows yet: every replica of the API service that computes it comes to the same
 * server, without asking any other (rendezvous hashing, by Thaler and Ravishankar).
 *
 * Each server has a number for each conversation, and the one with the highest number has the conversation. When a server
 * goes, only its own conversations move; when one comes, it takes its share of every other's.
 */
import type { Link } from "./prompt-chain.ts";

/** What all turns of a conversation have in common, and others have not: its first message of a user, and what comes before. */
export function anchorOf(chain: readonly Link[]): number | undefined {
  return (chain.find(({ opens }) => opens === true) ?? chain[0])?.hash;
}

/** From 1 to 2^32. */
export function affinityOf(anchor: number, endpoint: string): number {
  let hash = anchor;
  for (let at = 0; at < endpoint.length; at++) hash = mixed(hash ^ endpoint.charCodeAt(at));
  return (hash >>> 0) + 1;
}

/** MurmurHash3's last step, by Austin Appleby: every bit of the result depends on every bit of the value. */
function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
