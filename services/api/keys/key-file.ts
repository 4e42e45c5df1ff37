/**
 * Keys in a file, followed while they change.
 *
 * A file that cannot be read keeps the service from starting, with everything that is wrong in it. Later,
 * the last good list stays until the file is right again, and the log says what is wrong. The file is
 * looked at rather than watched: editors rename, and Kubernetes swaps links.
 */
import { stat } from "node:fs/promises";
import type { ApiKey } from "@localmodel/localmodel/api-keys.ts";
import { formatProblem, type Problem } from "@localmodel/localmodel/problem.ts";
import { readApiKeys } from "@localmodel/localmodel/read-api-keys.ts";
import { readText } from "@localmodel/localmodel/read-text.ts";
import type { Logger } from "@localmodel/service/log.ts";
import type { KeySource } from "./key-source.ts";

const LOOK_INTERVAL_MS = 500;
const FILE_BYTES_MAX = 8 * 1024 * 1024;

/** Why the file cannot be used: one line for each problem. */
export class KeyFileError extends Error {
  readonly code = "KEY_FILE";

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "KeyFileError";
  }
}

export class KeyFile implements KeySource, Disposable {
  readonly #file: string;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #keys: readonly ApiKey[];
  /** What the file looked like when it was last read, and at the last look. */
  #read: string;
  #seen: string;

  /** Throws a KeyFileError. */
  static async open(file: string, log: Logger): Promise<KeyFile> {
    const before = await signatureOf(file);
    return new KeyFile(file, log, before, await keysIn(file));
  }

  private constructor(file: string, log: Logger, signature: string, keys: readonly ApiKey[]) {
    this.#file = file;
    this.#log = log;
    this.#keys = keys;
    this.#read = signature;
    this.#seen = signature;
    this.#timer = setInterval(() => void this.#look(), LOOK_INTERVAL_MS).unref();
  }

  current(): readonly ApiKey[] {
    return this.#keys;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const before = this.#seen;
    this.#seen = await signatureOf(this.#file);
    // Two looks must agree: half a list is a list, too.
    if (this.#seen === this.#read || this.#seen !== before) return;
    this.#read = this.#seen;
    try {
      this.#keys = await keysIn(this.#file);
      this.#log.info("the API keys have changed", { file: this.#file, keys: this.#keys.length });
    } catch (error) {
      if (!(error instanceof KeyFileError)) throw error;
      this.#log.warn("the API keys stay as they were: their file is invalid", {
        problems: error.message,
      });
    }
  }
}

async function keysIn(file: string): Promise<readonly ApiKey[]> {
  const content = await readText(file, FILE_BYTES_MAX);
  if ("failure" in content) throw new KeyFileError([{ file, message: content.failure }]);
  const read = readApiKeys(content.text, file);
  if ("problems" in read) throw new KeyFileError(read.problems);
  return read.keys;
}

async function signatureOf(file: string): Promise<string> {
  const stats = await stat(file, { bigint: true }).catch(() => undefined);
  return stats === undefined ? "none" : `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs}`;
}
