/** Starts an engine process. It waits for the message that says what to load. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ENGINE_HEAP } from "@localmodel/service/process/heap.ts";

const ENGINE_MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/**
 * Threads of libuv's pool, on which the library decodes and samples. With more than one, decoding moves from
 * thread to thread, and a token of a small model takes up to twice as long (bench/throughput.ts shows it).
 */
const POOL_THREADS = 1;

/** `main`: another module than the product's, for tests. */
export function forkEngine(main = ENGINE_MAIN): ChildProcess {
  return fork(main, {
    execArgv: [...ENGINE_HEAP],
    // Vectors travel as they are.
    serialization: "advanced",
    env: { ...process.env, UV_THREADPOOL_SIZE: String(POOL_THREADS) },
  });
}
