/**
 * Decodes files in a process of its own, one after the other.
 *
 * A file is whatever somebody has sent, and decoders are written in C: what kills or hangs one kills that process, the
 * file is refused, and the next one gets a new process. It is started with the first file and holds no secrets.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Patience, type PatienceLimit } from "@localmodel/service/process/patience.ts";
import { FileError, type FileProblem } from "../problem.ts";
import type { DecodedSound } from "../sound/decode-sound.ts";
import type { DecodedPicture } from "./decode.ts";
import {
  type FromDecoder,
  type PictureTask,
  type SoundTask,
  TOO_MUCH_MEMORY_EXIT,
  type ToDecoder,
} from "./protocol.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
/** For one file, on a machine whose cores are all busy. */
const DEADLINE: PatienceLimit = { beatMs: 1000, beats: 30 };
const HEAP = ["--max-old-space-size=256", "--max-semi-space-size=2"];

type Task = PictureTask | SoundTask;
type Decoded = DecodedPicture | DecodedSound;

type Work = {
  readonly task: Task;
  readonly signal: AbortSignal;
  readonly done: (decoded: Decoded) => void;
  readonly failed: (error: unknown) => void;
};

type DecoderOptions = {
  readonly deadline?: PatienceLimit;
  /** Another module than the product's, for tests. */
  readonly main?: string;
};

export class Decoder implements Disposable {
  readonly #options: DecoderOptions;
  readonly #waiting: Work[] = [];
  #current: { readonly work: Work; readonly id: number; readonly patience: Patience } | undefined;
  #child: ChildProcess | undefined;
  #lastId = 0;

  constructor(options: DecoderOptions = {}) {
    this.#options = options;
  }

  /** Throws an FileError for what is no picture, and the signal's reason. */
  async decode(file: Uint8Array, maxPixels: number, signal: AbortSignal): Promise<DecodedPicture> {
    const decoded = await this.#decode({ kind: "picture", file, maxPixels }, signal);
    return decoded as DecodedPicture;
  }

  /** Throws a FileError for what is no sound, and the signal's reason. */
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
    const child = (this.#child ??= this.#start());
    const id = ++this.#lastId;
    const { deadline = DEADLINE } = this.#options;
    const patience = new Patience(deadline, () => child.kill("SIGKILL"));
    this.#current = { work, id, patience };
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
    child.on("message", (message) => this.#receive(message as FromDecoder));
    child.once("close", (code, signal) => this.#died(child, code ?? signal));
    child.once("error", () => {});
    return child;
  }

  #receive(message: FromDecoder): void {
    if (message.id !== this.#current?.id) return;
    const { work } = this.#current;
    if ("decoded" in message) this.#end(() => work.done(message.decoded));
    else this.#end(() => work.failed(new FileError(message.problem)));
  }

  #died(child: ChildProcess, how: number | NodeJS.Signals | null): void {
    if (this.#child === child) this.#child = undefined;
    if (this.#current === undefined) return this.#next();
    const { work } = this.#current;
    this.#end(() => work.failed(new FileError(problemOf(how, work.task))));
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

function problemOf(how: number | NodeJS.Signals | null, { kind }: Task): FileProblem {
  const isPicture = kind === "picture";
  if (how === TOO_MUCH_MEMORY_EXIT) {
    const message = `it takes more memory to decode than a ${kind} may. Send a smaller one`;
    return { code: isPicture ? "image_too_large" : "audio_too_large", message };
  }
  const why = how === "SIGKILL" ? "takes too long or too much memory" : "breaks the decoder";
  const message = `decoding it ${why} (${String(how)})`;
  return { code: isPicture ? "image_parse_error" : "audio_parse_error", message };
}
