/**
 * llama.cpp's log as lines. It comes in pieces: a piece may be part of a line, or several, and says by a level of its
 * own that it continues the one before. Pure, but for remembering an unfinished line.
 */
import { ggml_log_level } from "../generated/constants.ts";

type LogLevel = "debug" | "info" | "warn" | "error";

export type LogLine = {
  readonly level: LogLevel;
  /** Of llama.cpp, without the function's name. */
  readonly message: string;
  /** The function that wrote the line, where it says so. */
  readonly component: string | undefined;
};

const LEVELS = new Map<number, LogLevel>([
  [ggml_log_level.DEBUG, "debug"],
  [ggml_log_level.WARN, "warn"],
  [ggml_log_level.ERROR, "error"],
]);

export class LogLines {
  #level: LogLevel = "info";
  #rest = "";

  /** Returns the lines that this piece completes. */
  push(level: number, piece: string): readonly LogLine[] {
    const lines: LogLine[] = [];
    if (level !== ggml_log_level.CONT) {
      // A new level ends a line that was left open.
      if (this.#rest !== "") lines.push(lineOf(this.#level, this.#rest));
      this.#rest = "";
      this.#level = LEVELS.get(level) ?? "info";
    }
    const parts = (this.#rest + piece).split("\n");
    this.#rest = parts.pop() ?? "";
    lines.push(...parts.map((text) => lineOf(this.#level, text)));
    return lines.filter(({ message }) => message !== "");
  }
}

function lineOf(level: LogLevel, text: string): LogLine {
  const [, component, rest] = /^([A-Za-z_]\w*): +(.*)$/.exec(text) ?? [];
  const message = (rest ?? text).trim();
  return { level: isOfAbandoned(message) ? "debug" : level, message, component };
}

/**
 * What llama.cpp calls errors and warnings where an evaluation ends because nobody wants it any more: by ggml's status for
 * that, and by its own. The last of them also follows real failures, which have lines of their own.
 */
const ABANDONED = [
  /^ggml_backend_sched_graph_compute_async failed with error 1$/,
  /^failed to compute graph, compute status: 1$/,
  /^failed to (?:decode|encode), ret = 2$/,
  /^removing memory module entries for seq_id = /,
];

function isOfAbandoned(message: string): boolean {
  return ABANDONED.some((pattern) => pattern.test(message));
}

/** How many layers of a model are on devices, the output layer included: no function of the C interface tells. */
export type Offloaded = { readonly layers: number; readonly ofLayers: number };

export function offloadedOf({ message }: LogLine): Offloaded | undefined {
  const [, layers, ofLayers] = /^offloaded (\d+)\/(\d+) layers to GPU$/.exec(message) ?? [];
  if (layers === undefined || ofLayers === undefined) return undefined;
  return { layers: Number(layers), ofLayers: Number(ofLayers) };
}

/** Memory that llama.cpp reserved, as it says in its log: no function of its C interface tells. */
export type Reservation = {
  /** Of ggml's buffers: `CPU`, `CPU_Mapped`, `CUDA0`. */
  readonly buffer: string;
  readonly purpose: "weights" | "kvCache" | "recurrentState" | "output" | "compute";
  /** To the nearest 10 KiB. */
  readonly bytes: number;
};

const PURPOSES: Readonly<Record<string, Reservation["purpose"]>> = {
  model: "weights",
  KV: "kvCache",
  RS: "recurrentState",
  output: "output",
  compute: "compute",
};

export function reservationOf({ message }: LogLine): Reservation | undefined {
  const [, buffer, purpose, mebibytes] =
    /^(\S+) +(model|KV|RS|output|compute) buffer size = +([\d.]+) MiB/.exec(message) ?? [];
  if (buffer === undefined || purpose === undefined) return undefined;
  const known = PURPOSES[purpose];
  if (known === undefined) return undefined;
  return { buffer, purpose: known, bytes: Math.round(Number(mebibytes) * 2 ** 20) };
}
