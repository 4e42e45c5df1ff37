/**
 * Decodes files in a process of its own, one after the other.
 *
 * A file is whatever somebody has sent, and decoders are written in C: what kills or hangs one kills that process, the
 * file is refused, and the next one gets a new process. It is started with the first file and holds no secrets.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Patience, type PatienceLimit } from "@localmodel/service/process/patience.ts";
import { FileError } from "../problem.ts";
import type { DecodedSound } from "../sound/decode-sound.ts";
import type { DecodedPicture } from "./decode.ts";
import { type DecoderEnd, errorOf, notStarted } from "./decoder-end.ts";
import type { Answer, FromDecoder, SoundTask, Task, ToDecoder } from "./protocol.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
/** For one file, on a machine whose cores are all busy. */
const DEADLINE: PatienceLimit = { beatMs: 1000, beats: 30 };
const HEAP = ["--max-old-space-size=256", "--max-semi-space-size=2"];

type Decoded = DecodedPicture | DecodedSound;

type Work = {
  readonly task: Task;
  readonly signal: AbortSignal;
  readonly done: (decoded: Decoded) => void;
  readonly failed: (error: unknown) => void;
};

type Current = {
  readonly work: Work;
  readonly id: number;
  readonly patience: Patience;
  wasLate: boolean;
};

type DecoderOptions = {
  readonly deadline?: PatienceLimit;
  /** Another module than the product's, for tests. */
  readonly main?: string;
};

export class Decoder implements Disposable {
  readonly #options: DecoderOptions;
  readonly #waiting: Work[] = [];
  #current: Current | undefined;
  #child: ChildProcess | undefined;
  /** The child has said so. */
  #isReady = false;
  #lastId = 0;

  constructor(options: DecoderOptions = {}) {
    this.#options = options;
  }

  /** Throws a FileError for what is no picture, a DecoderError where no file is to blame, and the signal's reason. */
  async decode(file: Uint8Array, maxPixels: number, signal: AbortSignal): Promise<DecodedPicture> {
    const decoded = await this.#decode({ kind: "picture", file, maxPixels }, signal);
    return decoded as DecodedPicture;
  }

  /** As `decode` throws. */
  async decodeSound(
    file: Uint8Array,
    wanted: Pick<SoundTask, "sampleRate" | "maxSeconds">,
    signal: AbortSignal,
  ): Promise<DecodedSound> {
    return (await this.#decode({ kind: "sound", file, ...wanted }, signal)) as DecodedSound;
  }

  #decode(task: Task, signal: AbortSignal): Promise<Decoded> {
    const { promise, resolve: done, reject: failed } = Promise.withResolvers<Decoded>();
    this.#waiting.push({ task, signal, done, failed });
    this.#next();
    return promise;
  }

  [Symbol.dispose](): void {
    if (this.#child?.connected === true) this.#child.disconnect();
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const work = this.#waiting.shift();
    if (work === undefined) return;
    if (work.signal.aborted) {
      work.failed(work.signal.reason);
      return this.#next();
    }
    let child: ChildProcess;
    try {
      child = this.#child ??= this.#start();
    } catch (error) {
      work.failed(notStarted(error));
      return this.#next();
    }
    const id = ++this.#lastId;
    const { deadline = DEADLINE } = this.#options;
    const patience = new Patience(deadline, () => {
      if (this.#current?.id === id) this.#current.wasLate = true;
      child.kill("SIGKILL");
    });
    this.#current = { work, id, patience, wasLate: false };
    keepAlive(child, true);
    child.send({ id, ...work.task } satisfies ToDecoder, () => {});
  }

  #start(): ChildProcess {
    const child = fork(this.#options.main ?? MAIN, {
      execArgv: HEAP,
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      env: { MALLOC_ARENA_MAX: "2", UV_THREADPOOL_SIZE: "1" },
    });
    this.#isReady = false;
    child.on("message", (message) => this.#receive(child, message as FromDecoder));
    child.once("close", (code, signal) => this.#died(child, code ?? signal ?? undefined));
    child.on("error", () => {
      // One that could not be started may never be said to have ended.
      if (child.pid === undefined) this.#died(child, undefined);
    });
    return child;
  }

  #receive(child: ChildProcess, message: FromDecoder): void {
    if (child !== this.#child) return;
    if ("ready" in message) this.#isReady = true;
    else this.#answered(message);
  }

  #answered(message: Answer): void {
    if (message.id !== this.#current?.id) return;
    const { work } = this.#current;
    if ("decoded" in message) this.#end(() => work.done(message.decoded));
    else this.#end(() => work.failed(new FileError(message.problem)));
  }

  #died(child: ChildProcess, how: DecoderEnd["how"]): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    if (this.#current === undefined) return this.#next();
    const { work, wasLate } = this.#current;
    const end = { how, wasReady: this.#isReady, wasLate };
    this.#end(() => work.failed(errorOf(end, work.task)));
  }

  #end(tell: () => void): void {
    this.#current?.patience[Symbol.dispose]();
    this.#current = undefined;
    if (this.#child !== undefined) keepAlive(this.#child, false);
    tell();
    this.#next();
  }
}

/** Waiting for a next file keeps nobody from ending. */
function keepAlive(child: ChildProcess, isWanted: boolean): void {
  for (const handle of [child, child.channel]) {
    if (isWanted) handle?.ref();
    else handle?.unref();
  }
}
