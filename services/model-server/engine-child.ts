/** Starts an engine process. It waits for the message that says what to load. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const ENGINE_MAIN = fileURLToPath(new URL("engine/main.ts", import.meta.url));

/**
 * Threads of libuv's pool, on which the library decodes and samples. With more than one, decoding moves from
 * thread to thread, and llama.cpp keeps a team of workers for each that ever called it: idle teams spin on the
 * cores that the working one needs. One thread decodes two to four times as fast as four do.
 */
const POOL_THREADS = 1;

export function forkEngine(): ChildProcess {
  return fork(ENGINE_MAIN, {
    // Vectors travel as they are.
    serialization: "advanced",
    env: { ...process.env, UV_THREADPOOL_SIZE: String(POOL_THREADS) },
  });
}
