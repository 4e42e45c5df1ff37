import assert from "node:assert/strict";
import { test } from "node:test";
import type { GenerateRequest } from "@localmodel/inference/generate.ts";
import { GREEDY } from "../../fixtures/sampling.ts";
import { Job } from "./job.ts";

const REQUEST: GenerateRequest = {
  prompts: [],
  choicesPerPrompt: 2,
  sampling: GREEDY,
  stop: [],
  echo: false,
  ignoreEos: false,
  tenant: "",
};
const FIRST = { tokens: [1, 2, 3], added: 1 };
const SECOND = { tokens: [4, 5], added: 0 };

test("starts the choices of every prompt in order", () => {
  const job = new Job(7, REQUEST, { prompts: [FIRST, SECOND], owner: "" });
  const order = [];
  while (job.unstarted > 0) {
    order.push(job.next);
    job.started(0);
  }
  assert.deepEqual(order, [
    { choice: 0, prompt: FIRST },
    { choice: 1, prompt: FIRST },
    { choice: 2, prompt: SECOND },
    { choice: 3, prompt: SECOND },
  ]);
});

test("counts what waits, what runs and when all is done", () => {
  const job = new Job(7, REQUEST, { prompts: [FIRST], owner: "" });
  assert.deepEqual([job.unstarted, job.running, job.complete], [2, 0, false]);
  job.started(0);
  job.started(0);
  job.finished(ended(1));
  assert.deepEqual([job.unstarted, job.running, job.complete], [0, 1, false]);
  job.finished(ended(1));
  assert.deepEqual([job.unstarted, job.running, job.complete], [0, 0, true]);
});

test("counts a prompt and its cached part once, and the tokens of every choice", () => {
  const job = new Job(7, REQUEST, { prompts: [FIRST, SECOND], owner: "" });
  for (const cached of [2, 3, 1, 1]) job.started(cached);
  for (const tokens of [10, 20, 30, 40]) job.finished(ended(tokens));
  assert.deepEqual(job.usage, { promptTokens: 5, completionTokens: 100, cachedTokens: 3 });
});

test("counts what was guessed for all choices together, where anything was", () => {
  const job = new Job(7, REQUEST, { prompts: [FIRST], owner: "" });
  for (const cached of [0, 0]) job.started(cached);
  job.finished({ completionTokens: 9, guesser: { drafted: 8, accepted: 5 } });
  job.finished({ completionTokens: 3, guesser: { drafted: 2, accepted: 0 } });
  assert.equal(job.usage.draftedTokens, 10);
  assert.equal(job.usage.acceptedTokens, 5);
});

function ended(completionTokens: number) {
  return { completionTokens, guesser: { drafted: 0, accepted: 0 } };
}
