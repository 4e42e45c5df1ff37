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

/**
 * Its standard error is read here and passed on: a native assertion says what failed there, and nowhere else.
 * `main`: another module than the product's, for tests.
 */
export function forkEngine(main = ENGINE_MAIN): ChildProcess {
  return fork(main, {
    execArgv: [...ENGINE_HEAP],
    // Vectors travel as they are.
    serialization: "advanced",
    stdio: ["ignore", "inherit", "pipe", "ipc"],
    env: {
      // A debugger that reads the stack of a failed assertion takes seconds, and says nothing to who has no source.
      GGML_NO_BACKTRACE: "1",
      ...process.env,
      UV_THREADPOOL_SIZE: String(POOL_THREADS),
    },
  });
}
