/**
 * llama.cpp's functions as functions of this process: the one place that knows koffi.
 *
 * A process has one llama.cpp: its list of backends and its log are global, and so are koffi's names of types.
 */
import koffi, { type KoffiFunc, type LibraryHandle } from "koffi";
import { CPU_PROTOTYPES, type CpuFunctions } from "../generated/cpu-functions.ts";
import { LLAMA_PROTOTYPES, type LlamaFunctions } from "../generated/functions.ts";
import { CALLBACKS, STRUCTURES, type Structures } from "../generated/structures.ts";
import { VISION_PROTOTYPES, type VisionFunctions } from "../generated/vision-functions.ts";
import { LlamaError } from "./errors.ts";
import type { Pointer } from "../pointer.ts";

/**
 * koffi runs a function on a stack of its own, 128 KiB for asynchronous calls: too small for llama.cpp, which parses
 * grammars and splits texts by recursion, and an overflow there is not caught by a guard page.
 */
const STACK_BYTES = 16 * 2 ** 20;
koffi.config({
  sync_stack_size: STACK_BYTES,
  async_stack_size: STACK_BYTES,
  resident_async_pools: 1,
});

type AnyFunctions<Functions> = Record<keyof Functions, (...all: never[]) => unknown>;

/** Functions of libraries, bound. */
type Bound<Functions extends AnyFunctions<Functions>> = {
  /** Returns when the function has: for what takes microseconds. */
  readonly call: Functions;
  /** Runs the function on a thread of libuv's pool. What it reads and writes must not change meanwhile; it is kept. */
  readonly later: <N extends keyof Functions>(
    name: N,
    ...parameters: Parameters<Functions[N]>
  ) => Promise<ReturnType<Functions[N]>>;
};

export type Native = Bound<LlamaFunctions> & {
  /** Where the function is, for structures that hold one. */
  readonly address: (name: keyof LlamaFunctions) => bigint;
  /** Functions of the CPU's backend, once it is loaded. */
  readonly cpu: () => CpuFunctions;
  /** Binds libmtmd, which finds llama.cpp's functions among those of the libraries that are loaded. */
  readonly bindVision: (path: string) => NativeVision;
};

export type NativeVision = Bound<VisionFunctions>;

/** Calls on other threads. */
let running = 0;

/** For what calls C on a thread of its own: see `exitAtOnce`. */
export async function countedAsRunning<Result>(work: () => Promise<Result>): Promise<Result> {
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
  }
}

/** `paths` in the order in which they are loaded; a function is taken from the first that has it. */
export function bindNative(paths: readonly string[]): Native {
  const libraries = paths.map((path) => koffi.load(path));
  for (const [name, fields] of Object.entries(STRUCTURES)) koffi.struct(name, { ...fields });
  for (const prototype of Object.values(CALLBACKS)) koffi.proto(prototype);
  process.once("exit", (code) => {
    if (running > 0) exitAtOnce(code);
  });
  const functions = bound<LlamaFunctions>(libraries, LLAMA_PROTOTYPES);
  let cpu: CpuFunctions | undefined;
  return {
    ...functions,
    cpu: () => (cpu ??= cpuFunctions(functions.call)),
    address: (name) => {
      const [found] = libraries.flatMap((library) => symbolIn(library, name) ?? []);
      if (found === undefined) throw new LlamaError(`llama.cpp's libraries have no ${name}`);
      return found;
    },
    bindVision: (path) => {
      for (const one of paths) koffi.load(one, { global: true });
      return bound<VisionFunctions>([koffi.load(path)], VISION_PROTOTYPES);
    },
  };
}

/** Why a library cannot be loaded, in the system's words; undefined when it can. */
export function libraryProblem(path: string): string | undefined {
  try {
    koffi.load(path);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function bound<Functions extends AnyFunctions<Functions>>(
  libraries: readonly LibraryHandle[],
  prototypes: readonly string[],
): Bound<Functions> {
  const functions = new Map(
    prototypes.map((prototype) => {
      const name = nameIn(prototype);
      return [name as keyof Functions, bind(libraries, name, prototype)] as const;
    }),
  );
  return {
    call: Object.fromEntries(functions) as unknown as Functions,
    later: (name, ...parameters) => {
      const { promise, resolve, reject } = Promise.withResolvers<never>();
      const one = functions.get(name) as KoffiFunc<(...all: unknown[]) => never>;
      running += 1;
      one.async(...parameters, (error: Error | null, result: never) => {
        running -= 1;
        // By being here they are kept until now, typed arrays among them.
        parameters.length = 0;
        if (error) reject(error);
        else resolve(result);
      });
      return promise;
    },
  };
}

/** There is a backend for each kind of CPU. The one that was loaded tells where its functions are. */
function cpuFunctions(call: LlamaFunctions): CpuFunctions {
  const registry = required(call.ggml_backend_reg_by_name("CPU"), "compute on the CPU");
  const found = CPU_PROTOTYPES.map((prototype) => {
    const name = nameIn(prototype);
    const address = call.ggml_backend_reg_get_proc_address(registry, name);
    if (address === null) throw new LlamaError(`llama.cpp's backend of the CPU has no ${name}`);
    return [name, koffi.decode(address, koffi.proto(prototype)) as KoffiFunc<never>] as const;
  });
  return Object.fromEntries(found) as unknown as CpuFunctions;
}

function nameIn(prototype: string): string {
  return /(\w+)\(/.exec(prototype)?.[1] ?? "";
}

function bind(libraries: readonly LibraryHandle[], name: string, prototype: string) {
  for (const library of libraries) {
    if (symbolIn(library, name) !== undefined) return library.func(prototype);
  }
  throw new LlamaError(`llama.cpp's libraries have no ${name}: are they of another release?`);
}

function symbolIn(library: LibraryHandle, name: string): bigint | undefined {
  try {
    return library.symbol(name) as bigint;
  } catch {
    return undefined;
  }
}

/**
 * Node would wait for its other threads first: as long as llama.cpp computes, and for ever when it is about to log,
 * since that waits for this thread.
 */
function exitAtOnce(code: number): void {
  const runtime = process.platform === "win32" ? "ucrtbase.dll" : null;
  koffi.load(runtime).func("void _exit(int)")(code);
}

type Callback = keyof typeof CALLBACKS;
type CallbackFunctions = {
  readonly llama_progress_callback: (progress: number) => boolean;
  readonly ggml_log_callback: (level: number, text: string) => void;
  /** Asked before a piece of work whether it is to be told when that is done (`ask`), and then whether to go on. */
  readonly ggml_backend_sched_eval_callback: (tensor: bigint, ask: boolean) => boolean;
};

/**
 * A JavaScript function that C may call from any thread, which waits until this thread has run it. So this thread
 * must not wait for C meanwhile: what may call back is called with `later`.
 */
export function registerCallback<N extends Callback>(
  name: N,
  run: CallbackFunctions[N],
): { readonly address: bigint } & Disposable {
  const address = koffi.register(run, `${name} *`);
  return { address, [Symbol.dispose]: () => koffi.unregister(address) };
}

/** A structure at an address, as an object. */
export function readStructure<N extends keyof Structures>(address: bigint, name: N): Structures[N] {
  return koffi.decode(address, name) as Structures[N];
}

export function writeStructure<N extends keyof Structures>(
  address: bigint,
  name: N,
  value: Structures[N],
): void {
  koffi.encode(address, name, value);
}

export function structureBytes(name: keyof typeof STRUCTURES): number {
  return koffi.sizeof(name);
}

export function readText(address: bigint | null): string | undefined {
  return address === null ? undefined : (koffi.decode.string(address) ?? undefined);
}

export function readInt32s(address: bigint, count: number): Int32Array {
  return Int32Array.from(koffi.decode(address, "int32_t", count) as ArrayLike<number>);
}

export function required<N extends string>(
  pointer: Pointer<N> | null,
  attempt: string,
): Pointer<N> {
  if (pointer === null) throw new LlamaError(`llama.cpp could not ${attempt}`);
  return pointer;
}
