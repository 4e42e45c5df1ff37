/**
 * A download in progress on disk: the bytes so far, their hash, and a record of what they belong to.
 *
 * The record is written before the first byte, and a new one only after the old bytes are gone, so
 * whatever byte a crash leaves behind, the record beside it is the right one or missing. Bytes are only
 * ever appended, so what is there is a prefix of what the server sent.
 */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { CacheLayout } from "./cache-layout.ts";
import { onDisk } from "./disk-space.ts";
import { hashInto, type HashOptions } from "./file-hash.ts";
import { readRecord, writeRecord } from "./record-file.ts";

/** Where the bytes of a partial file come from. */
export const PartialRecord = z.strictObject({
  /** Key of the source's identity. */
  source: z.string(),
  /** False when continuing at a byte offset is impossible: the server compressed the body. */
  continuable: z.boolean(),
  validator: z
    .union([z.strictObject({ etag: z.string() }), z.strictObject({ lastModified: z.string() })])
    .exactOptional(),
  totalBytes: z.int().min(0).exactOptional(),
});
export type PartialRecord = z.infer<typeof PartialRecord>;

export class PartialFile implements AsyncDisposable {
  readonly path: string;
  readonly #recordPath: string;
  readonly #file: FileHandle;
  #hash: Hash = createHash("sha256");
  #sizeBytes = 0;
  #record: PartialRecord | undefined;
  /** Whether the bytes were put together from more than one answer. */
  patched = false;

  private constructor(path: string, recordPath: string, file: FileHandle) {
    this.path = path;
    this.#recordPath = recordPath;
    this.#file = file;
  }

  /** Opens what an earlier attempt left, or an empty file. The caller holds the lock of `key`. */
  static async open(layout: CacheLayout, key: string, options: HashOptions): Promise<PartialFile> {
    const path = layout.partial(key);
    return onDisk(layout.root, async () => {
      await mkdir(dirname(path), { recursive: true });
      const partial = new PartialFile(path, layout.partialRecord(key), await open(path, "a+"));
      try {
        await partial.#restore(options);
        return partial;
      } catch (error) {
        await partial[Symbol.asyncDispose]();
        throw error;
      }
    });
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get record(): PartialRecord | undefined {
    return this.#record;
  }

  /** Forgets everything and starts again with another answer. */
  async restart(record: PartialRecord | undefined): Promise<void> {
    await onDisk(dirname(this.path), async () => {
      await this.#clear();
      if (record !== undefined) await writeRecord(this.#recordPath, record);
      this.#record = record;
    });
  }

  async append(bytes: Buffer): Promise<void> {
    await onDisk(dirname(this.path), () => this.#file.appendFile(bytes));
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
  }

  async head(length: number): Promise<Buffer> {
    const head = Buffer.alloc(Math.min(length, this.#sizeBytes));
    await this.#file.read(head, 0, head.length, 0);
    return head;
  }

  /** Of the bytes so far. */
  sha256(): string {
    return this.#hash.copy().digest("hex");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    if (this.#sizeBytes === 0) await removePartial(this.path, this.#recordPath);
  }

  async #restore(options: HashOptions): Promise<void> {
    const { size } = await this.#file.stat();
    if (size === 0) return;
    this.#record = await readRecord(this.#recordPath, PartialRecord);
    if (this.#record?.continuable !== true) return this.#clear();
    this.#sizeBytes = await hashInto(this.#hash, this.path, options);
    this.patched = true;
  }

  async #clear(): Promise<void> {
    // The record first: bytes without a record are thrown away, a record of other bytes would be believed.
    await rm(this.#recordPath, { force: true });
    if (this.#sizeBytes > 0 || (await this.#file.stat()).size > 0) await this.#file.truncate(0);
    this.#hash = createHash("sha256");
    this.#sizeBytes = 0;
    this.#record = undefined;
    this.patched = false;
  }
}

async function removePartial(path: string, recordPath: string): Promise<void> {
  await rm(recordPath, { force: true });
  await rm(path, { force: true });
}

/** Removes what earlier attempts left, once the file has been had from elsewhere. */
export async function discardPartial(layout: CacheLayout, key: string): Promise<void> {
  await onDisk(layout.root, () => removePartial(layout.partial(key), layout.partialRecord(key)));
}
