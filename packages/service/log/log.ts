/**
 * Structured logs: one JSON object per line for machines, one readable line on a terminal.
 *
 * Logging must never be what breaks a service. Whatever is passed as a field, a line is written, it is
 * one line, and it has a bound: cycles, throwing getters, huge values and control characters included.
 */
import { bounded } from "./log-value.ts";

type LogFields = Readonly<Record<string, unknown>>;

export type Logger = {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
};

type LogLevel = "debug" | "info" | "warn" | "error";
type LogFormat = "json" | "pretty";

type LogStream = {
  write(line: string): unknown;
  readonly isTTY?: boolean;
  on?(event: "error", listener: (error: Error) => void): unknown;
};

export type LogOptions = {
  /** Default: standard error, so that standard output stays free for what a program prints. */
  readonly stream?: LogStream;
  /** Default: LOG_LEVEL, else info. */
  readonly level?: LogLevel;
  /** Default: LOG_FORMAT, else pretty on a terminal and json elsewhere. */
  readonly format?: LogFormat;
};

const LEVELS = ["debug", "info", "warn", "error"] as const satisfies readonly LogLevel[];
const FORMATS = ["json", "pretty"] as const satisfies readonly LogFormat[];

/** containerd cuts lines at 16 KiB, and half a JSON object is not JSON. */
export const LINE_MAX_CHARACTERS = 16_000;

type Sink = {
  readonly stream: LogStream;
  readonly service: string;
  /** Changes while the process runs: see `debugOnSignal`. */
  level: number;
  readonly format: LogFormat;
};

export function createLogger(service: string, options: LogOptions = {}): Logger {
  const stream = options.stream ?? process.stderr;
  survive(stream);
  const level = options.level ?? oneOf(LEVELS, process.env["LOG_LEVEL"]) ?? "info";
  const format =
    options.format ??
    oneOf(FORMATS, process.env["LOG_FORMAT"]) ??
    (stream.isTTY ? "pretty" : "json");
  const sink = { stream, service, level: LEVELS.indexOf(level), format };
  const created = logger(sink, {});
  sinks.set(created, sink);
  return created;
}

const sinks = new WeakMap<Logger, Sink>();

/**
 * From now on SIGUSR2 has everything logged, and the next one what was logged before: a process that misbehaves need
 * not be restarted, after which it may not.
 */
export function debugOnSignal(log: Logger): void {
  const sink = sinks.get(log);
  if (sink === undefined) return;
  const configured = sink.level;
  process.on("SIGUSR2", () => {
    sink.level = sink.level === DEBUG ? configured : DEBUG;
    log.warn(`the log level is ${LEVELS[sink.level]} now`);
  });
}

const DEBUG = 0;

function logger(sink: Sink, inherited: LogFields): Logger {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (LEVELS.indexOf(level) < sink.level) return;
    write(sink, level, message, fields === undefined ? inherited : { ...inherited, ...fields });
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => logger(sink, { ...inherited, ...fields }),
  };
}

function write(sink: Sink, level: LogLevel, message: string, fields: LogFields): void {
  const head = { time: new Date().toISOString(), level, service: sink.service };
  const format = sink.format === "json" ? jsonLine : prettyLine;
  try {
    sink.stream.write(`${format(head, bounded(message), bounded(fields))}\n`);
  } catch {
    // The log itself is gone: there is nowhere left to say so.
  }
}

type Head = { readonly time: string; readonly level: LogLevel; readonly service: string };

function jsonLine(head: Head, message: unknown, fields: unknown): string {
  const line = JSON.stringify({ ...(fields as object), ...head, message });
  if (line.length <= LINE_MAX_CHARACTERS) return line;
  return JSON.stringify({ ...head, message: String(message).slice(0, 1000), truncated: true });
}

function prettyLine(head: Head, message: unknown, fields: unknown): string {
  const pairs = Object.entries(fields as object).map(
    ([name, value]) => ` ${name}=${pretty(value)}`,
  );
  const line = `${head.time.slice(11, 23)} ${head.level.toUpperCase().padEnd(5)} ${head.service}: ${String(message)}${pairs.join("")}`;
  return printable(line).slice(0, LINE_MAX_CHARACTERS);
}

function pretty(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

/** What a client sent must not move the cursor of whoever reads the log. */
function printable(line: string): string {
  return line.replaceAll(
    /\p{Cc}/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

const surviving = new WeakSet<LogStream>();

/** A reader that went away (EPIPE) is no reason to stop serving. */
function survive(stream: LogStream): void {
  if (stream.on === undefined || surviving.has(stream)) return;
  surviving.add(stream);
  stream.on("error", () => {});
}

function oneOf<T extends string>(allowed: readonly T[], value: string | undefined): T | undefined {
  return allowed.find((one) => one === value?.toLowerCase());
}
