import assert from "node:assert/strict";
import type { CpuInfo } from "node:os";
import { test } from "node:test";
import { type StepKind, StepThreads } from "./step-threads.ts";

/** Two cores whose use is told, step by step, and a context that only knows how many threads it has. */
class Machine {
  #nowMs = 0;
  #cpuMs = 0;
  #idleMs = 0;
  readonly #context = {
    threads: { threads: 2, batchThreads: 2 },
    setThreads(threads: number, batchThreads: number): void {
      this.threads = { threads, batchThreads };
    },
  };
  readonly threads = new StepThreads(
    { prompt: 2, answer: 2 },
    {
      adapts: true,
      machine: {
        nowMs: () => this.#nowMs,
        cpuMs: () => this.#cpuMs,
        cores: () => [this.#core(), this.#core()],
      },
    },
  );

  /** Returns the threads that the step had. */
  step(
    use: { readonly wallMs: number; readonly cpuMs: number },
    kind: StepKind = "answer",
  ): Promise<number> {
    return this.threads.during(kind, this.#context, async () => {
      this.#nowMs += use.wallMs;
      this.#cpuMs += use.cpuMs;
      return this.#context.threads.threads;
    });
  }

  pause(ms: number, { idleCores }: { readonly idleCores: number }): void {
    this.#nowMs += ms;
    this.#idleMs += ms * idleCores;
  }

  #core(): CpuInfo {
    const times = { user: 0, nice: 0, sys: 0, irq: 0, idle: this.#idleMs / 2 };
    return { model: "", speed: 0, times };
  }
}

const DISTURBED = { wallMs: 60, cpuMs: 60 };

test("the first step after a pause has the cores that nobody wanted in it", async () => {
  const machine = new Machine();
  assert.equal(await machine.step(DISTURBED), 2);
  assert.equal(await machine.step(DISTURBED), 1);
  machine.pause(300, { idleCores: 2 });
  assert.equal(await machine.step(DISTURBED), 1, "since when they are idle is known from here on");
  machine.pause(300, { idleCores: 2 });
  assert.equal(await machine.step({ wallMs: 10, cpuMs: 20 }), 2);
});

test("the first step after a pause has no more threads where somebody wanted a core in it", async () => {
  const machine = new Machine();
  await machine.step(DISTURBED);
  await machine.step(DISTURBED);
  for (let pause = 0; pause < 5; pause += 1) {
    machine.pause(300, { idleCores: 1 });
    assert.equal(await machine.step(DISTURBED), 1);
  }
});

test("what answering lost to others takes no thread from prompts, nor the other way round", async () => {
  for (const [kind, other] of [
    ["answer", "prompt"],
    ["prompt", "answer"],
  ] as const) {
    const machine = new Machine();
    await machine.step(DISTURBED, kind);
    assert.deepEqual(machine.threads.counts, { [kind]: 1, [other]: 2 });
    assert.equal(await machine.step(DISTURBED, other), 2);
    assert.equal(await machine.step(DISTURBED, kind), 1);
  }
});

test("steps of the other kind are no time in which the engine waited", async () => {
  const machine = new Machine();
  await machine.step(DISTURBED);
  machine.pause(300, { idleCores: 2 });
  assert.equal(await machine.step({ wallMs: 10, cpuMs: 10 }), 1);
  for (let step = 0; step < 4; step += 1) await machine.step({ wallMs: 60, cpuMs: 120 }, "prompt");
  assert.equal(await machine.step({ wallMs: 10, cpuMs: 10 }), 1);
  assert.equal(await machine.step({ wallMs: 10, cpuMs: 10 }), 1, "both cores were taken");
});
