/**
 * How large the heaps of services grow.
 *
 * V8 takes memory in proportion to the largest heap it may have, which is gigabytes on any server: under
 * load of short requests a process grew for thousands of them to twice its size before it collected in
 * earnest. Within these bounds it stays where it is after the first thousand, and is no slower
 * (bench/soak.ts). Buffers, such as the bodies of requests, are not part of the heap.
 */

/**
 * Arguments of node for the API service: room for what some dozens of requests hold at a time, which is moved to the
 * old space otherwise, and then costs more than it did to make.
 */
export const API_HEAP = ["--max-semi-space-size=8", "--max-old-space-size=2048"] as const;
/** For the process of a model server that speaks HTTP. */
export const SERVER_HEAP = ["--max-semi-space-size=2", "--max-old-space-size=2048"] as const;
/** For an engine process: of its memory, only tokens and texts are in the heap. */
export const ENGINE_HEAP = ["--max-semi-space-size=2", "--max-old-space-size=1024"] as const;
/**
 * For the operator, whose heap is its caches: room for the garbage of a pass, so that it is collected there, and
 * no threads with memory of their own. MALLOC_ARENA_MAX=1 in the environment does the same outside the heap.
 */
export const OPERATOR_HEAP = [
  "--max-semi-space-size=8",
  "--max-old-space-size=512",
  "--v8-pool-size=1",
] as const;
