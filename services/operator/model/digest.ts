/** A short name for a value, for comparing what is with what should be. */
import { createHash } from "node:crypto";

const LENGTH = 16;

/** Equal values have to list their keys in the same order. */
export function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, LENGTH);
}
