/**
 * What Valkey is asked for: a program that it runs in one piece, so nobody sees what is half done. It is sent once, and then
 * known by its hash.
 */
import { createHash } from "node:crypto";

export type Script = {
  /** As metrics and the log call it. */
  readonly name: string;
  readonly source: string;
  readonly sha: string;
};

export type Asked = {
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer)[];
};

/** It did not do what it was asked for; nothing is known of what it did do. */
export class ValkeyError extends Error {
  override readonly name = "ValkeyError";
}

export function script(name: string, source: string): Script {
  return { name, source, sha: createHash("sha1").update(source).digest("hex") };
}
