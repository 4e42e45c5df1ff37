/** What can be measured once for each start of a server: readiness, memory, and prompts that are there after a restart. */
import { availableParallelism } from "node:os";
import { spawn } from "node:child_process";
import type { Row } from "../support/table.ts";
import { compare, rowOf } from "./comparison.ts";
import type { Side } from "./sides.ts";
import { decoding, firstTokenMs, longPrompt } from "./workloads.ts";

type Starts = { readonly own: () => Promise<Side>; readonly other: () => Promise<Side> };

export async function starts(rounds: number, sides: Starts): Promise<readonly Row[]> {
  const ready = [];
  const resident = [];
  const proportional = [];
  for (let round = 0; round < rounds; round += 1) {
    await using ours = await sides.own();
    const own = await ours.memory();
    await ours[Symbol.asyncDispose]();
    await using theirs = await sides.other();
    ready.push({ own: ours.readyMs, other: theirs.readyMs });
    const other = await theirs.memory();
    resident.push(inMebibytes(own.residentBytes, other.residentBytes));
    proportional.push(inMebibytes(own.proportionalBytes, other.proportionalBytes));
  }
  return [
    rowOf("ready after, ms", "llama-server", { better: "less", pairs: ready }),
    rowOf("resident when ready, MiB", "llama-server", { better: "less", pairs: resident }),
    rowOf("proportional when ready, MiB", "llama-server", { better: "less", pairs: proportional }),
  ];
}

function inMebibytes(ownBytes: number, otherBytes: number) {
  return { own: ownBytes / 2 ** 20, other: otherBytes / 2 ** 20 };
}

/** A long prompt: evaluated, and after a restart. */
export async function restarts(
  rounds: number,
  words: number,
  start: () => Promise<Side>,
): Promise<readonly Row[]> {
  const pairs = [];
  for (let round = 0; round < rounds; round += 1) {
    const prompt = longPrompt(words);
    let other: number;
    {
      await using first = await start();
      other = await firstTokenMs(first.url, prompt);
      // A server that ends lets its engine finish what it writes only if it has begun to.
      await new Promise((resolve) => setTimeout(resolve, 3000));
    }
    await using second = await start();
    pairs.push({ own: await firstTokenMs(second.url, prompt), other });
  }
  const name = `time to first token of ${words} words after a restart`;
  return [rowOf(name, "its evaluation", { better: "less", pairs })];
}

/** Beside a busy loop on every core. */
export async function contention(
  rounds: number,
  tokens: number,
  starting: Starts,
): Promise<readonly Row[]> {
  const loops = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ["--eval", "for (;;);"], { stdio: "ignore" }),
  );
  try {
    const busy = {
      ...decoding(1, tokens),
      name: "tokens/s, 1 stream beside a busy loop on each core",
    };
    return await compare([busy], rounds, starting);
  } finally {
    for (const loop of loops) loop.kill("SIGKILL");
  }
}
