/**
 * What requests are told of their progress: accepted, started, tokens, the end.
 *
 * Events go through the outbox in order. Times are told only to those who trace.
 */
import type { EngineTimes } from "@localmodel/inference/events.ts";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";
import { engineFailed } from "@localmodel/inference/unavailability.ts";
import { Failure, type FailureData } from "@localmodel/inference/failure.ts";
import { epochMs } from "@localmodel/telemetry/spans/epoch.ts";
import { readBack } from "./read-back.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import { audioTokensOf, type Job } from "./job.ts";
import type { Outbox } from "./outbox.ts";
import type { Running } from "./slots.ts";

export class Telling {
  readonly #outbox: Outbox;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  accepted(job: Job, vocabulary: Vocabulary, times: Omit<EngineTimes, "processId">): void {
    const { request, prompts, promptTokens } = job;
    const engine = { ...times, processId: process.pid };
    this.#put(job, {
      type: "accepted",
      promptTokens,
      ...audioTokensOf(prompts),
      ...(request.reportsPrompts === true && {
        prompts: prompts.map((prompt) => readBack(prompt, vocabulary)),
      }),
      ...(request.reportsTimes === true && { engine }),
    });
  }

  started(job: Job, choice: number, cachedTokens: number): void {
    this.#put(job, { type: "started", choice, cachedTokens });
  }

  /** What the last step has brought. Returns whether the choice is complete. */
  progress(running: Running): boolean {
    const { job, generation } = running;
    if (job.request.reportsTimes === true && !running.prefilled) this.#prefilled(running);
    const events = generation.events();
    for (const event of events) {
      const isDelta = event.type === "delta";
      const canWait = isDelta && running.begun;
      if (event.type === "finish") this.#put(job, { ...event, ...finishOf(running) });
      else this.#outbox.put({ id: job.id, event }, { canWait });
      running.begun ||= isDelta;
    }
    return events.at(-1)?.type === "finish";
  }

  done({ id, usage }: Job): void {
    this.#outbox.put({ id, event: { type: "done", usage } });
  }

  failed({ id }: Job, failure: unknown): void {
    this.#outbox.put({ id, failure: failureOf(failure) });
  }

  #prefilled(running: Running): void {
    const { job, generation } = running;
    if (generation.remainingPrompt > 0) return;
    running.prefilled = true;
    const { choice, promptChunks: chunks, evaluatedTokens } = generation;
    const event = { type: "prefilled", choice, chunks, evaluatedTokens, atMs: epochMs() } as const;
    // It goes with the first token.
    this.#outbox.put({ id: job.id, event }, { canWait: true });
  }

  #put({ id, request }: Job, event: GenerateEvent): void {
    const told = request.reportsTimes === true ? { ...event, atMs: epochMs() } : event;
    this.#outbox.put({ id, event: told });
  }
}

function finishOf({ job, generation: { completionTokens } }: Running) {
  return job.request.reportsTimes === true ? { completionTokens } : {};
}

/** Anything that is not meant for the client is told as the engine's failure. */
export function failureOf(error: unknown): FailureData {
  if (error instanceof Failure) return error.data;
  return engineFailed("The engine failed to process this request.").data;
}
