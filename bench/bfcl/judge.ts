/** Which answers have the right calls: what the leaderboard's own checker, in Python, says of them. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Called } from "./kept-answers.ts";

export type Judged = { readonly id: string; readonly valid: boolean; readonly error: unknown };

export type ToJudge = {
  readonly id: string;
  readonly category: string;
  readonly calls: readonly Called[];
};

export function judged(folder: string, answers: readonly ToJudge[]): readonly Judged[] {
  const program = join(import.meta.dirname, "judge.py");
  const input = answers.map((one) => `${JSON.stringify(one)}\n`).join("");
  const { status, stdout, stderr } = spawnSync("python3", [program, folder], {
    input,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`The leaderboard's checker judged nothing: ${stderr}`);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Judged);
}
