/**
 * What a document in a file says, followed while it changes.
 *
 * A file that cannot be read keeps the service from starting, with everything that is wrong in it. Later,
 * what it said last stays until the file is right again, and the log says what is wrong. The file is
 * looked at rather than watched: editors rename, and Kubernetes swaps links.
 */
import { stat } from "node:fs/promises";
import { formatProblem, type Problem } from "@localmodel/localmodel/documents/problem.ts";
import type { ReadDocument } from "@localmodel/localmodel/documents/read-document.ts";
import { readText } from "@localmodel/localmodel/documents/read-text.ts";
import type { Logger } from "@localmodel/service/log/log.ts";

const LOOK_INTERVAL_MS = 500;
const FILE_BYTES_MAX = 8 * 1024 * 1024;

/** Why the file cannot be used: one line for each problem. */
export class DocumentFileError extends Error {
  readonly code = "DOCUMENT_FILE";

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "DocumentFileError";
  }
}

type FollowOptions<Value> = {
  readonly read: (text: string, file: string) => ReadDocument<Value>;
  /** What the document says, in the plural, as the log calls it. */
  readonly subject: string;
  readonly log: Logger;
};

export class FollowedFile<Value> implements Disposable {
  readonly #file: string;
  readonly #options: FollowOptions<Value>;
  readonly #timer: NodeJS.Timeout;
  #value: Value;
  /** What the file looked like when it was last read, and at the last look. */
  #read: string;
  #seen: string;

  /** Throws a DocumentFileError. */
  static async open<Value>(
    file: string,
    options: FollowOptions<Value>,
  ): Promise<FollowedFile<Value>> {
    const before = await signatureOf(file);
    return new FollowedFile(file, options, { before, value: await valueIn(file, options) });
  }

  private constructor(
    file: string,
    options: FollowOptions<Value>,
    first: { readonly before: string; readonly value: Value },
  ) {
    this.#file = file;
    this.#options = options;
    this.#value = first.value;
    this.#read = first.before;
    this.#seen = first.before;
    this.#timer = setInterval(() => void this.#look(), LOOK_INTERVAL_MS).unref();
  }

  /** The same value until the file changes. */
  current(): Value {
    return this.#value;
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
    const { subject, log } = this.#options;
    try {
      this.#value = await valueIn(this.#file, this.#options);
      log.info(`the ${subject} have changed`, { file: this.#file });
    } catch (error) {
      if (!(error instanceof DocumentFileError)) throw error;
      log.warn(`the ${subject} stay as they were: their file is invalid`, {
        problems: error.message,
      });
    }
  }
}

async function valueIn<Value>(file: string, { read }: FollowOptions<Value>): Promise<Value> {
  const content = await readText(file, FILE_BYTES_MAX);
  if ("failure" in content) throw new DocumentFileError([{ file, message: content.failure }]);
  const document = read(content.text, file);
  if ("problems" in document) throw new DocumentFileError(document.problems);
  return document.value;
}

async function signatureOf(file: string): Promise<string> {
  const stats = await stat(file, { bigint: true }).catch(() => undefined);
  return stats === undefined ? "none" : `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs}`;
}
