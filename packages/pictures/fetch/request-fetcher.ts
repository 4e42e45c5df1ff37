/**
 * The images of a request that are somewhere else, before it takes room for what they become: who waits for a slow host
 * keeps nobody from being looked at.
 *
 * A few come at a time, each once, all within one deadline, and together they have no more bytes than a request may that
 * sends its images itself.
 */
import type { ImageInput } from "@localmodel/inference/image-input.ts";
import {
  FETCHED_MAX_BYTES,
  REQUEST_FETCHED_MAX_BYTES,
} from "@localmodel/localmodel/contracts/picture-limits.ts";
import { blaming } from "../blaming.ts";
import { FileError } from "../problem.ts";
import { Room } from "../room.ts";
import type { ImageFetcher } from "./image-fetcher.ts";

const AT_ONCE = 4;
const DEADLINE_MS = 20_000;

/** The files' memory is theirs until this is disposed. */
type Fetched = Disposable & { readonly files: ReadonlyMap<string, Uint8Array> };

type Remote = { readonly url: string; readonly field: string };

export class RequestFetcher {
  readonly #fetcher: Pick<ImageFetcher, "fetch">;
  readonly #deadlineMs: number;
  readonly #room = new Room(FETCHED_MAX_BYTES);

  constructor(fetcher: Pick<ImageFetcher, "fetch">, deadlineMs = DEADLINE_MS) {
    this.#fetcher = fetcher;
    this.#deadlineMs = deadlineMs;
  }

  /** By their URLs. Throws a Failure that names the field of one that cannot be had, and the signal's reason. */
  async fetch(images: readonly ImageInput[], signal: AbortSignal): Promise<Fetched> {
    const wanted = remotesIn(images);
    if (wanted.length === 0) return { files: new Map(), [Symbol.dispose]: () => {} };
    const held = await this.#room.take(REQUEST_FETCHED_MAX_BYTES, signal);
    try {
      const files = await this.#all(wanted, signal);
      held.keep([...files.values()].reduce((sum, { length }) => sum + length, 0));
      return { files, [Symbol.dispose]: () => held[Symbol.dispose]() };
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
  }

  async #all(wanted: readonly Remote[], gone: AbortSignal): Promise<Map<string, Uint8Array>> {
    const deadline = AbortSignal.timeout(this.#deadlineMs);
    const failed = new AbortController();
    const signal = AbortSignal.any([gone, deadline, failed.signal]);
    const files = new Map<string, Uint8Array>();
    const count = counting();
    const left = wanted.values();
    const some = async (): Promise<void> => {
      for (const { url, field } of left) {
        const get = (): Promise<Uint8Array> => this.#fetcher.fetch(url, signal, count);
        files.set(url, await blaming("image", field, () => this.#inTime(get, deadline, gone)));
      }
    };
    const all = Array.from({ length: AT_ONCE }, some);
    try {
      await Promise.all(all);
      return files;
    } catch (error) {
      failed.abort(error);
      await Promise.allSettled(all);
      throw error;
    }
  }

  async #inTime<Result>(
    act: () => Promise<Result>,
    deadline: AbortSignal,
    gone: AbortSignal,
  ): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      gone.throwIfAborted();
      if (error instanceof FileError || !deadline.aborted) throw error;
      const message = `not all images of the request have come within ${this.#deadlineMs / 1000} s`;
      throw new FileError({ code: "failed_to_download_image", message });
    }
  }
}

/** Those that a conversation shows more than once come once. */
function remotesIn(images: readonly ImageInput[]): readonly Remote[] {
  const remotes = images.flatMap(({ source, field }) =>
    source.type === "file" ? [] : [{ url: source.url, field }],
  );
  return remotes.filter((one, at) => remotes.findIndex(({ url }) => url === one.url) === at);
}

/** Throws for what is more than a request may have. */
function counting(): (bytes: number) => void {
  let sum = 0;
  return (bytes) => {
    sum += bytes;
    if (sum <= REQUEST_FETCHED_MAX_BYTES) return;
    const message = `the images of the request have more than ${REQUEST_FETCHED_MAX_BYTES} bytes together`;
    throw new FileError({ code: "image_too_large", message });
  };
}
