/** Which of the project's own functions have run, as V8 counts them, between one look and the next. */
import { Session } from "node:inspector/promises";
import { fileURLToPath } from "node:url";
import { relative, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

/** By file, relative to the repository. */
export type Called = Readonly<Record<string, readonly string[]>>;

export class Coverage {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  static async start(): Promise<Coverage> {
    const session = new Session();
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    return new Coverage(session);
  }

  /** Since the last look. Modules themselves and functions of benches and fixtures do not count. */
  async look(): Promise<Called> {
    const { result } = await this.#session.post("Profiler.takePreciseCoverage");
    const called: Record<string, string[]> = {};
    for (const { url, functions } of result) {
      const path = pathOf(url);
      if (path === undefined) continue;
      const names = functions
        .filter(({ functionName, ranges }) => functionName !== "" && wasCalled(ranges))
        .map(({ functionName }) => functionName);
      if (names.length > 0) called[path] = [...new Set(names)].toSorted();
    }
    return called;
  }
}

function wasCalled(ranges: readonly { readonly count: number }[]): boolean {
  return (ranges[0]?.count ?? 0) > 0;
}

function pathOf(url: string): string | undefined {
  if (!url.startsWith("file:")) return undefined;
  const path = relative(ROOT, fileURLToPath(url));
  const own = /^(?:packages|services)\//.test(path) && !/node_modules|\/fixtures\//.test(path);
  return own ? path : undefined;
}
