/** Starts an engine process. It waits for the message that says what to load. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const ENGINE_MAIN = fileURLToPath(new URL("engine/main.ts", import.meta.url));

/** The library samples every slot on a thread of libuv's pool and decodes on another; more slots take turns. */
const POOL_THREADS = 64;

export function forkEngine(): ChildProcess {
  return fork(ENGINE_MAIN, {
    // Vectors travel as they are.
    serialization: "advanced",
    env: { ...process.env, UV_THREADPOOL_SIZE: String(POOL_THREADS) },
  });
}
