/**
 * Commands and programs of the documentation: the fenced blocks of a language, and what the line before each says of who runs it.
 *
 *   <!-- run by: test/docs/commands.test.ts -->     a test runs the block as it is
 *   <!-- needs: nodes, a registry -->               nobody does; this is what it would take
 *
 * `(new cluster)` after the name of a test: the block is not for a cluster on which the blocks before have run.
 */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

export const REPOSITORY = resolve(import.meta.dirname, "../..");

/** What a machine of a developer does not have. */
export const NEEDS = [
  "nodes",
  "GPUs",
  "a registry",
  "the internet",
  "a terminal",
  "a Valkey",
  ".NET",
] as const;

export type Command = {
  readonly page: string;
  readonly line: number;
  readonly text: string;
  /** Undefined for a block about which nothing is said. */
  readonly tag: Tag | undefined;
};

type Tag =
  | { readonly runBy: string; readonly onNewCluster: boolean }
  | { readonly needs: readonly string[] };

const FENCE = /^```/;

/** `language`: as the fence before it says. */
export async function commandsOf(page: string, language = "sh"): Promise<readonly Command[]> {
  const lines = (await readFile(join(REPOSITORY, page), "utf8")).split("\n");
  const commands: Command[] = [];
  let start: number | undefined;
  for (const [index, line] of lines.entries()) {
    if (!FENCE.test(line)) continue;
    if (start !== undefined) {
      if (lines[start] === `\`\`\`${language}`) commands.push(commandAt(page, lines, start, index));
      start = undefined;
    } else start = index;
  }
  return commands;
}

function commandAt(page: string, lines: readonly string[], start: number, end: number): Command {
  const before = lines.slice(0, start).findLast((line) => line.trim() !== "");
  const text = `${lines.slice(start + 1, end).join("\n")}\n`;
  return { page, line: start + 1, text, tag: tagIn(before ?? "") };
}

function tagIn(line: string): Tag | undefined {
  const runBy = /^<!-- run by: (\S+?)( \(new cluster\))? -->$/.exec(line);
  if (runBy !== null) return { runBy: runBy[1] ?? "", onNewCluster: runBy[2] !== undefined };
  const needs = /^<!-- needs: (.+) -->$/.exec(line);
  return needs === null ? undefined : { needs: (needs[1] ?? "").split(", ") };
}

export function isRunBy({ tag }: Command, test: string): boolean {
  return tag !== undefined && "runBy" in tag && tag.runBy === test;
}

/** The page's programs in a language, in their order. */
export async function programsOf(page: string, language: string): Promise<readonly string[]> {
  const text = await readFile(join(REPOSITORY, page), "utf8");
  const fenced = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gmsu");
  return [...text.matchAll(fenced)].map(([, program = ""]) => program);
}
