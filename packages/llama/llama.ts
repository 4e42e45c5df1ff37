/**
 * llama.cpp in this process. Everything else in this package is made from what `openLlama` returns.
 *
 * llama.cpp's list of devices and its log are global, so a process opens it once, for one kind of device, and keeps
 * it until it ends.
 */
import { ggml_numa_strategy, LLAMA_RELEASE } from "./generated/constants.ts";
import { LlamaError } from "./native/errors.ts";
import { bindNative, type Native, registerCallback } from "./native/native.ts";
import { type Device, devicesOf, loadBackends } from "./library/backends.ts";
import type { Gpu } from "./library/candidates.ts";
import { chooseLibraries, type GpuChoice, NoLibrariesError } from "./library/choose.ts";
import {
  LogLines,
  type LogLine,
  type Offloaded,
  offloadedOf,
  type Reservation,
  reservationOf,
} from "./logs/log-lines.ts";

export type NumaStrategy = "disabled" | "distribute" | "isolate" | "numactl" | "mirror";

export type LlamaOptions = {
  /** `auto` takes a GPU when one works, `false` the CPU. */
  readonly gpu: GpuChoice;
  readonly numa?: NumaStrategy;
  /** Called on this thread, while llama.cpp waits. */
  readonly log: (line: LogLine) => void;
};

export type Llama = {
  readonly native: Native;
  /** Files of the libraries, in the order in which they are loaded. */
  readonly libraries: readonly string[];
  /** A function of C that takes llama.cpp's log, for libraries that have a log of their own. */
  readonly logCallback: bigint;
  /** What the libraries were made for. */
  readonly gpu: Gpu;
  /** `v0.4.0`. */
  readonly release: string;
  /** Features of the CPU and the backends, in llama.cpp's words. */
  readonly systemInfo: string;
  readonly supports: {
    readonly mmap: boolean;
    readonly mlock: boolean;
    readonly gpuOffload: boolean;
  };
  readonly maxSequences: number;
  /** With the memory that is free now. */
  readonly devices: () => readonly Device[];
  /** Runs `work` while no other runs, and returns what llama.cpp reserved meanwhile besides its result. */
  readonly reserving: <Result>(work: () => Promise<Result>) => Promise<Reserved<Result>>;
  /** What libraries for devices said that this process looked at first, and that found none. */
  readonly deviceComplaints: readonly string[];
};

type Reserved<Result> = {
  readonly result: Result;
  readonly reservations: readonly Reservation[];
  /** Of a model that was loaded meanwhile, by libraries that can use devices. */
  readonly offloaded: Offloaded | undefined;
};

const NUMA = new Map<NumaStrategy, number>([
  ["distribute", ggml_numa_strategy.DISTRIBUTE],
  ["isolate", ggml_numa_strategy.ISOLATE],
  ["numactl", ggml_numa_strategy.NUMACTL],
  ["mirror", ggml_numa_strategy.MIRROR],
]);

let opened: Promise<Llama> | undefined;

/**
 * @throws NoLibrariesError when no libraries work here
 * @throws LlamaError when llama.cpp is open in this process already
 */
export function openLlama(options: LlamaOptions): Promise<Llama> {
  if (opened !== undefined) {
    throw new LlamaError(
      "llama.cpp is open in this process already: share what openLlama returned",
    );
  }
  // Without libraries nothing was opened, and the caller may want another device's.
  opened = open(options).catch((error: unknown) => {
    if (error instanceof NoLibrariesError) opened = undefined;
    throw error;
  });
  return opened;
}

async function open({ gpu, numa = "disabled", log }: LlamaOptions): Promise<Llama> {
  const { libraries, complaints } = await chooseLibraries(gpu);
  const native = bindNative(libraries.paths);
  const { call } = native;
  const watchers = new Set<(line: LogLine) => void>([log]);
  const logCallback = listen(native, (line) => {
    for (const watcher of watchers) watcher(line);
  });
  loadBackends(native, libraries);
  call.llama_backend_init();
  const strategy = NUMA.get(numa);
  if (strategy !== undefined) call.llama_numa_init(strategy);

  let last: Promise<unknown> = Promise.resolve();
  return {
    native,
    libraries: libraries.paths,
    logCallback,
    gpu: libraries.gpu,
    release: LLAMA_RELEASE,
    systemInfo: call.llama_print_system_info() ?? "",
    supports: {
      mmap: call.llama_supports_mmap(),
      mlock: call.llama_supports_mlock(),
      gpuOffload: call.llama_supports_gpu_offload(),
    },
    maxSequences: call.llama_max_parallel_sequences(),
    devices: () => devicesOf(native),
    deviceComplaints: complaints,
    reserving: (work) => {
      const run = last.then(async () => {
        const reservations: Reservation[] = [];
        let offloaded: Offloaded | undefined;
        const note = (line: LogLine): void => {
          const reservation = reservationOf(line);
          if (reservation !== undefined) reservations.push(reservation);
          offloaded = offloadedOf(line) ?? offloaded;
        };
        watchers.add(note);
        try {
          return { result: await work(), reservations, offloaded };
        } finally {
          watchers.delete(note);
        }
      });
      last = run.catch(() => undefined);
      return run;
    },
  };
}

/** For as long as the process lives: llama.cpp may log until its last moment. */
function listen(native: Native, log: (line: LogLine) => void): bigint {
  const lines = new LogLines();
  const callback = registerCallback("ggml_log_callback", (level, text) => {
    for (const line of lines.push(level, text)) log(line);
  });
  native.call.llama_log_set(callback.address, null);
  // By now JavaScript cannot be called. What takes no arguments and answers a number does for a log that is not read.
  process.once("exit", () => {
    native.call.llama_log_set(native.address("llama_max_devices"), null);
  });
  return callback.address;
}
