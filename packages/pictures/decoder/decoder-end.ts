/**
 * Who is to blame where the process that decodes has ended in the middle of a file. Pure.
 *
 * What a file makes it do is the file's: it ends itself by a signal, takes too long or too much memory. What somebody else does
 * is not: the same file may be decoded next time.
 */
import { DecoderError, FileError, type FileProblem } from "../problem.ts";
import { type Task, TOO_MUCH_MEMORY_EXIT } from "./protocol.ts";

export type DecoderEnd = {
  /** Its exit status, or the signal that ended it; undefined where it could not be started. */
  readonly how: number | NodeJS.Signals | undefined;
  /** Whether it had ever been able to decode. */
  readonly wasReady: boolean;
  /** Whether it was ended here, for having taken too long. */
  readonly wasLate: boolean;
};

/** Signals by which a process ends itself, in code that a file has led astray. */
const OWN_SIGNALS: ReadonlySet<unknown> = new Set([
  "SIGABRT",
  "SIGBUS",
  "SIGFPE",
  "SIGILL",
  "SIGSEGV",
  "SIGTRAP",
  "SIGSYS",
]);

export function notStarted(cause: unknown): DecoderError {
  return new DecoderError("the process that does could not be started", { cause });
}

export function errorOf(end: DecoderEnd, task: Task): Error {
  const { how, wasReady, wasLate } = end;
  if (how === undefined) return notStarted(undefined);
  const problem = (): Error => new FileError(problemOf(how, task));
  if (!wasReady) return new DecoderError(`the process that does ended before it began (${how})`);
  if (wasLate) return problem();
  if (typeof how === "number" || OWN_SIGNALS.has(how)) return problem();
  // The kernel's, say, at the limit of the container, or of somebody who ends all there is.
  return new DecoderError(`the process that does was ended from outside (${how})`);
}

function problemOf(how: number | NodeJS.Signals, { kind }: Task): FileProblem {
  const isPicture = kind === "picture";
  if (how === TOO_MUCH_MEMORY_EXIT) {
    const message = `it takes more memory to decode than a ${kind} may. Send a smaller one`;
    return { code: isPicture ? "image_too_large" : "audio_too_large", message };
  }
  const why = how === "SIGKILL" ? "takes too long" : "breaks the decoder";
  const message = `decoding it ${why} (${String(how)})`;
  return { code: isPicture ? "image_parse_error" : "audio_parse_error", message };
}
