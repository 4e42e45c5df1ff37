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
 * Asks the kernel for pages of 2 MiB where it gives them to who asks, which is what most distributions have it do: the
 * memory of a context is gigabytes, which are cleared a third faster, and read with fewer misses. glibc's alone.
 */
const HUGE_PAGES = "glibc.malloc.hugetlb=1";

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
      GLIBC_TUNABLES: HUGE_PAGES,
      ...process.env,
      UV_THREADPOOL_SIZE: String(POOL_THREADS),
    },
  });
}
