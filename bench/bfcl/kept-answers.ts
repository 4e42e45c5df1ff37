/** Answers that were given already, a line each, so that a run that was ended goes on where it stopped. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";

export type Called = {
  readonly name: string;
  /** As they came: what is JSON, and which numbers are integers, is the leaderboard's to say. */
  readonly arguments: string;
};

export type Answered = {
  readonly calls: readonly Called[];
  readonly text: string;
  /** `refused`: the request was answered with an error, which is the text. */
  readonly finish: string;
  readonly promptTokens: number;
  readonly answerTokens: number;
};

export type KeptAnswers = {
  get(key: string): Answered | undefined;
  keep(key: string, answered: Answered): void;
};

/** Without a file they are kept nowhere. */
export function keptAnswers(file: string | undefined): KeptAnswers {
  const kept = new Map<string, Answered>();
  const text = file !== undefined && existsSync(file) ? readFileSync(file, "utf8") : "";
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const { key, ...answered } = JSON.parse(line) as Answered & { readonly key: string };
    kept.set(key, answered);
  }
  return {
    get: (key) => kept.get(key),
    keep: (key, answered) => {
      if (file !== undefined) appendFileSync(file, `${JSON.stringify({ key, ...answered })}\n`);
    },
  };
}
