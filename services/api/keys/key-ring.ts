/**
 * From what a client presents to the key it is, in a time that says nothing about the keys there are.
 *
 * Only hashes are known here. The map is looked up by a hash that is keyed anew in each process, so that
 * nobody outside can aim at a neighbour in it; what is found is compared in constant time.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";

const PROCESS_SECRET = randomBytes(32);

export class KeyRing {
  readonly #keys: ReadonlyMap<string, ApiKey>;

  constructor(keys: readonly ApiKey[]) {
    this.#keys = new Map(keys.map((key) => [blinded(Buffer.from(key.sha256, "hex")), key]));
  }

  find(presented: string): ApiKey | undefined {
    const hash = createHash("sha256").update(presented).digest();
    const key = this.#keys.get(blinded(hash));
    if (key === undefined) return undefined;
    return timingSafeEqual(hash, Buffer.from(key.sha256, "hex")) ? key : undefined;
  }
}

function blinded(hash: Buffer): string {
  return createHmac("sha256", PROCESS_SECRET).update(hash).digest("base64");
}
