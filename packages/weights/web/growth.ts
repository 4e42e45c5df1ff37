/**
 * Keeps a download within what its own header says, and within the disk.
 *
 * What a server announces is its own word, and some announce nothing. So the header is read as soon as it has come: from
 * then on it is known how long the file must be and how long it may be. And the disk is looked at as the file grows,
 * since others write to it as well.
 */
import { requireSpace } from "../cache/disk-space.ts";
import { arrivedHeader } from "../gguf/gguf-check.ts";
import type { GgufHeader } from "../gguf/gguf-header.ts";
import { formatBytes } from "../progress/units.ts";
import { WeightsError } from "../source/weights-error.ts";

/** Half of what is left free (disk-space.ts). */
const LOOK_AT_DISK_BYTES = 32 * 2 ** 20;
const FIRST_LOOK_BYTES = 64 * 1024;
/** The vocabularies of real models make headers of 5 to 30 MB. */
export const HEADER_BYTES_MAX = 128 * 2 ** 20;
/** What may follow the last tensor: padding, or what a tool has appended. */
const MARGIN_BYTES = 2 ** 20;
const MARGIN_SHARE = 0.01;

type Growing = {
  readonly path: string;
  /** Where the file system is that it grows on. */
  readonly folder: string;
  /** What the server says; undefined where it says nothing. */
  readonly announcedBytes: number | undefined;
};

export class Growth {
  readonly #file: Growing;
  #header: GgufHeader | undefined;
  #headerLookBytes = FIRST_LOOK_BYTES;
  #diskLookBytes = 0;

  constructor(file: Growing) {
    this.#file = file;
  }

  /** After every piece; `sizeBytes` is all that has come so far. Throws a WeightsError when it must not go on. */
  async reached(sizeBytes: number): Promise<void> {
    if (this.#header === undefined && sizeBytes >= this.#headerLookBytes) {
      await this.#lookAtHeader(sizeBytes);
    }
    if (this.#header !== undefined) requireWithin(sizeBytes, this.#header);
    if (sizeBytes < this.#diskLookBytes) return;
    this.#diskLookBytes = sizeBytes + LOOK_AT_DISK_BYTES;
    await requireSpace(this.#file.folder, this.#missingBytes(sizeBytes));
  }

  async #lookAtHeader(sizeBytes: number): Promise<void> {
    const { path, announcedBytes } = this.#file;
    this.#headerLookBytes = sizeBytes * 2;
    this.#header = await arrivedHeader(path);
    if (this.#header !== undefined) {
      // Known before it has come: nobody has to wait for the end, or make room for it.
      if (announcedBytes !== undefined) requireWithin(announcedBytes, this.#header);
      this.#diskLookBytes = sizeBytes;
    } else if (sizeBytes > HEADER_BYTES_MAX) {
      const limit = formatBytes(HEADER_BYTES_MAX);
      throw new WeightsError("NotAGguf", `its header is longer than ${limit}`);
    }
  }

  #missingBytes(sizeBytes: number): number {
    const wanted = Math.max(this.#file.announcedBytes ?? 0, this.#header?.requiredBytes ?? 0);
    return Math.max(LOOK_AT_DISK_BYTES, wanted - sizeBytes);
  }
}

function requireWithin(sizeBytes: number, { meaningfulBytes }: GgufHeader): void {
  const mostBytes = meaningfulBytes + Math.max(MARGIN_BYTES, meaningfulBytes * MARGIN_SHARE);
  if (sizeBytes <= mostBytes) return;
  throw new WeightsError(
    "NotAGguf",
    `the file has ${formatBytes(sizeBytes)} or more, its header describes ${formatBytes(meaningfulBytes)}: what follows is no part of a model`,
  );
}
