/**
 * Asks pods, within a second.
 *
 * A pod that does not answer, or not in a way that can be read, is one that nothing is known of: what the
 * kubelet says about it has to do. Answers are the words of a process that reads files from strangers, so
 * they are bounded and checked.
 */
import { FetchProgress } from "@localmodel/localmodel/contracts/fetch-config.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { Agent, request } from "undici";
import { ServerStateAnswer } from "./server-state-answer.ts";
import type { Question } from "./questions.ts";
import type { Answer } from "../status/answers.ts";

export type AskPods = (
  questions: readonly Question[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, Answer>>;

const TIMEOUT_MS = 1000;
const ANSWER_MAX_BYTES = 64 * 1024;

/** Pods come and go: no connection is kept for the next question. */
const dispatcher = new Agent({ pipelining: 0, maxResponseSize: ANSWER_MAX_BYTES });

export const askPods: AskPods = async (questions, signal) => {
  const answers = await Promise.all(
    questions.map(async (question) => {
      const answer = await ask(question, signal).catch(() => undefined);
      return answer === undefined ? [] : [[question.podName, answer] as const];
    }),
  );
  return new Map(answers.flat());
};

async function ask({ url, asks }: Question, passes: AbortSignal): Promise<Answer> {
  const signal = AbortSignal.any([passes, AbortSignal.timeout(TIMEOUT_MS)]);
  const { body } = await request(url, { dispatcher, signal });
  const said: unknown = JSON.parse(await body.text());
  if (asks === "fetch") return { from: "fetch", progress: FetchProgress.parse(said) };
  return { from: "server", state: ServerStateAnswer.parse(said) as ServerState };
}
