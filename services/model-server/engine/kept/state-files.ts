/**
 * Beginnings of conversations on a disk, so that they outlive the process: those of one fingerprint, each found by its
 * tokens and its owner.
 *
 * What is there is listed once, at the start. A file that another process removed is missed when it is read, and what it
 * stood for is evaluated.
 */
import { createHash } from "node:crypto";
import { Worker } from "node:worker_threads";
import { beginsWith, commonPrefix } from "../stepping/slot-choice.ts";
import type { FoundFile, KeptFiles } from "../stepping/slots.ts";
import type { KeptState } from "../stepping/state-cache.ts";
import type { ListedState } from "./state-folder.ts";
import type { StateDone, StateTask } from "./state-worker.ts";

/** Fewer are evaluated as soon as they are read. */
const FEWEST_TOKENS = 128;

/** More than the slots and the states in memory, of which each may be asked for. */
const REFUSED_MAX = 4096;

type StateFilesOptions = {
  readonly folder: string;
  /** Of all files in the folder. */
  readonly maxBytes: number;
  readonly fingerprint: string;
  /** Told of what could not be written. */
  readonly warn: (message: string) => void;
};

type Asked = StateTask["kind"];
type AskedOf<Kind extends Asked> = Omit<Extract<StateTask, { kind: Kind }>, "id" | "folder">;

export class StateFiles implements KeptFiles {
  readonly #options: StateFilesOptions;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (done: StateDone) => void>();
  #files: readonly ListedState[] = [];
  /** Names of what could not be written: an engine that is idle would try it without end. */
  readonly #refused = new Set<string>();
  #tasks = 0;
  #saving = false;

  static async open(options: StateFilesOptions): Promise<StateFiles> {
    const files = new StateFiles(options);
    const { fingerprint } = options;
    const { listed = [] } = await files.#ask<"list">({ kind: "list", fingerprint });
    files.#files = listed;
    return files;
  }

  private constructor(options: StateFilesOptions) {
    this.#options = options;
    this.#worker = new Worker(new URL("state-worker.ts", import.meta.url), { name: "states" });
    this.#worker.on("message", (done: StateDone) => {
      this.#waiting.get(done.id)?.(done);
      this.#waiting.delete(done.id);
      if (this.#waiting.size === 0) this.#worker.unref();
    });
    this.#worker.on("error", (error) => this.#end(error));
  }

  wants(owner: string, tokens: readonly number[]): boolean {
    if (this.#saving || tokens.length < FEWEST_TOKENS) return false;
    if (this.#of(owner).some((file) => beginsWith(file.tokens, tokens))) return false;
    return !this.#refused.has(this.#nameOf(owner, tokens));
  }

  candidates(owner: string, wanted: readonly number[]): readonly FoundFile[] {
    return this.#of(owner)
      .map((file) => ({
        tokens: file.tokens,
        length: commonPrefix(file.tokens, wanted),
        read: () => this.#read(file),
      }))
      .filter(({ length }) => length >= FEWEST_TOKENS);
  }

  /** A conversation that went on takes the place of its own beginning. */
  async save({ owner, tokens, state }: KeptState): Promise<void> {
    const { fingerprint, maxBytes, warn } = this.#options;
    const hashed = hashOf(owner);
    const name = this.#nameOf(owner, tokens);
    const instead = this.#of(owner)
      .filter((file) => beginsWith(tokens, file.tokens))
      .map((file) => file.name);
    const head = { fingerprint, owner: hashed, tokens };
    this.#saving = true;
    const written = { name, head, state, instead, maxBytes };
    const { isWritten, error } = await this.#ask<"write">({ kind: "write", written }, [
      state.buffer as ArrayBuffer,
    ]);
    this.#saving = false;
    if (isWritten !== true) this.#refuse(name);
    if (error !== undefined) return warn(`A prompt's state could not be kept: ${error}`);
    const others = this.#files.filter((file) => !instead.includes(file.name));
    this.#files = isWritten === true ? [...others, { name, owner: hashed, tokens }] : others;
  }

  #nameOf(owner: string, tokens: readonly number[]): string {
    const said = hashOf(`${hashOf(owner)} ${tokens.join(" ")}`);
    return `${this.#options.fingerprint}-${said.slice(0, 32)}.state`;
  }

  #refuse(name: string): void {
    this.#refused.add(name);
    const [oldest = ""] = this.#refused;
    if (this.#refused.size > REFUSED_MAX) this.#refused.delete(oldest);
  }

  async #read(file: ListedState): Promise<Uint8Array> {
    const { state } = await this.#ask<"read">({ kind: "read", name: file.name });
    if (state !== undefined) return state;
    this.#files = this.#files.filter((other) => other !== file);
    throw new Error(`${file.name} is gone, or is not what was written`);
  }

  #of(owner: string): readonly ListedState[] {
    const hashed = hashOf(owner);
    return this.#files.filter((file) => file.owner === hashed);
  }

  #ask<Kind extends Asked>(
    asked: AskedOf<Kind>,
    moved: readonly ArrayBuffer[] = [],
  ): Promise<StateDone> {
    const { promise, resolve } = Promise.withResolvers<StateDone>();
    const id = ++this.#tasks;
    this.#waiting.set(id, resolve);
    // It holds up the end of the process only while somebody waits for it.
    this.#worker.ref();
    this.#worker.postMessage({ ...asked, id, folder: this.#options.folder }, [...moved]);
    return promise;
  }

  /** Nothing is kept or found from now on. */
  #end(error: Error): void {
    this.#options.warn(`States of prompts are no longer kept: ${error.message}`);
    this.#files = [];
    for (const [id, done] of this.#waiting) done({ id, error: error.message });
    this.#waiting.clear();
    this.#saving = true;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
