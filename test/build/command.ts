/**
 * Runs programs: with a time limit, and an error that says which one, how it ended and what it said last.
 */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

export type CommandOptions = {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Readable;
  readonly timeoutMs?: number;
};

const TIMEOUT_MS = 60_000;
/** Of what a program has said, as much as tells what went wrong. */
const TOLD_CHARACTERS = 4000;

export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** What it wrote to its standard output. */
export async function run(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { cwd, env = {}, input, timeoutMs = TIMEOUT_MS } = options;
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    signal: AbortSignal.timeout(timeoutMs),
    killSignal: "SIGKILL",
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const output: string[] = [];
  const errors: string[] = [];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => output.push(text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  if (child.stdin !== null) feed(child.stdin, input);
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  child.on("error", (error) => resolve(describe(error, timeoutMs)));
  child.on("close", (code, signal) => resolve(code === 0 ? "" : `ended with ${code ?? signal}`));
  const problem = await ended;
  if (problem === "") return output.join("");
  const told = (errors.join("") + output.join("")).trim().slice(-TOLD_CHARACTERS);
  throw new CommandError(`${command} ${args.join(" ").slice(0, 500)}: ${problem}\n${told}`);
}

function feed(stdin: NodeJS.WritableStream, input: string | Readable | undefined): void {
  // A program that does not read to the end says why itself.
  stdin.on("error", () => {});
  if (typeof input === "string") stdin.end(input);
  else input?.pipe(stdin);
}

function describe(error: Error, timeoutMs: number): string {
  return error.name === "AbortError" ? `not done after ${timeoutMs / 1000} s` : error.message;
}
