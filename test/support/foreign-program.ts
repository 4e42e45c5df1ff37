/** Runs programs of others for a test: with a home of their own, and nothing of this process's environment. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const TIMEOUT_MS = 300_000;

type Options = { readonly cwd: string; readonly env: Readonly<Record<string, string>> };

/** Programs that speak of their use to somebody else find nobody: there is no proxy, and all but this machine is behind it. */
export function ofItsOwn(home: string): Readonly<Record<string, string>> {
  const nobody = "http://127.0.0.1:9";
  return {
    HOME: home,
    PATH: process.env["PATH"] ?? "",
    HTTP_PROXY: nobody,
    HTTPS_PROXY: nobody,
    NO_PROXY: "127.0.0.1,localhost",
  };
}

/** What it prints. It is asked for nothing: its input has ended. */
export async function programOutput(
  program: string,
  args: readonly string[],
  options: Options,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const running = promisify(execFile)(program, [...args], { ...options, timeout: TIMEOUT_MS });
  running.child.stdin?.end();
  return running;
}
