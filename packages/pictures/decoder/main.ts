/**
 * The process that decodes: one file at a time, until its parent is gone or it has taken too much memory.
 *
 * libvips works on a thread of its own, so this one is free to look at what that takes.
 */
import { setPriority } from "node:os";
import { DECODER_MAX_BYTES } from "@localmodel/localmodel/contracts/picture-limits.ts";
import { FileError } from "../problem.ts";
import { decodeSound } from "../sound/decode-sound.ts";
import { decode } from "./decode.ts";
import { type FromDecoder, TOO_MUCH_MEMORY_EXIT, type ToDecoder } from "./protocol.ts";

const LOOK_MS = 20;
/**
 * A quarter of a core beside threads that want all of it: those of the model wait for each other, so that one which is
 * stopped stops all.
 */
const NICENESS = 5;

setPriority(NICENESS);

process.on("message", (message) => void work(message as ToDecoder));
process.on("disconnect", () => process.exit(0));

async function work({ id, ...task }: ToDecoder): Promise<void> {
  const watch = setInterval(exitAboveLimit, LOOK_MS);
  try {
    const decoded =
      task.kind === "picture" ? decode(task.file, task.maxPixels) : decodeSound(task.file, task);
    answer({ id, decoded: await decoded });
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    answer({ id, problem: error.problem });
  } finally {
    clearInterval(watch);
  }
}

function exitAboveLimit(): void {
  if (process.memoryUsage.rss() > DECODER_MAX_BYTES) process.exit(TOO_MUCH_MEMORY_EXIT);
}

function answer(message: FromDecoder): void {
  process.send?.(message);
}

answer({ ready: true });
