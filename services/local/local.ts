/**
 * Local mode, wired: documents -> supervisor -> model servers, and the API service in front of them.
 *
 * The API service comes first, so that a port that is taken is told before anything is downloaded.
 */
import { randomBytes } from "node:crypto";
import path from "node:path";
import { ApiProcess } from "./processes/api-process.ts";
import { DeviceBudget } from "./processes/device-budget.ts";
import type { BareEngine } from "./documents/bare-weights.ts";
import { DocumentSet } from "./documents/document-set.ts";
import type { ModelRun } from "./processes/model-run.ts";
import { baseUrl, curlFor, isLoopback, lineFor } from "./screen/narration.ts";
import type { Screen } from "./screen/screen.ts";
import type { ServerView } from "./desired/server-view.ts";
import { Supervisor, type SupervisorHooks } from "./supervisor.ts";
import { changes, signature } from "./documents/watch.ts";

export type LocalOptions = {
  /** Absolute. */
  readonly paths: readonly string[];
  readonly host: string;
  readonly port: number;
  /** Absolute. Without one, nobody is asked for a key. */
  readonly keysFile?: string;
  /** Of web pages that may use the endpoint. */
  readonly origins: readonly string[];
  /** What documents may set in spec.env besides what they always may. */
  readonly allowedVariables: readonly string[];
  /** For models without a document. */
  readonly engine: BareEngine;
  /** For all models together. */
  readonly memoryBytes: number;
  /** Of GPUs, for all models together; absent: what they have. */
  readonly deviceBytes?: number;
  readonly apiModule: string;
  readonly serverModule: string;
  readonly devicesModule: string;
  readonly screen: Screen;
};

type Local = {
  readonly url: string;
  /** Lets open requests finish, then ends everything. */
  stop(): Promise<void>;
};

/** What keeps local mode from starting, in words for the person who started it. */
export class StartError extends Error {
  override readonly name = "StartError";
}

export async function startLocal(options: LocalOptions): Promise<Local> {
  const { paths, screen } = options;
  const watching = new AbortController();
  const documents = new DocumentSet(paths, options);
  const firstSignature = await signature(paths);
  const first = await documents.read();
  if (first.models.length === 0 && first.hasProblems) throw new StartError(first.notes.join("\n"));

  // Of this run alone: nobody who did not start these processes can know it.
  const serverSecret = randomBytes(32).toString("base64url");
  const api = await startApi(options, {
    serverSecret,
    // Nobody is asked for before the supervisor has said whom there is.
    onDemand: (demand, directory) => supervisor.demand(demand, directory),
    onUnload: (key) => supervisor.unload(key),
  });
  const url = baseUrl(api.address.host, api.address.port);
  screen.print(`LocalModel listens on ${url}`);
  if (options.keysFile === undefined && !isLoopback(options.host)) {
    screen.print("Anyone who can reach this machine can use it.");
  }

  const supervisor = new Supervisor({
    serverModule: options.serverModule,
    serverSecret,
    memoryBytes: options.memoryBytes,
    deviceBudget: new DeviceBudget({
      devicesModule: options.devicesModule,
      saidBytes: options.deviceBytes,
      onLine: (line) => screen.print(line),
    }),
    publish: (directory) => api.publish(directory),
    onChange: narrator(screen, url),
    onLine: (model, line) => screen.print(`${model.name} | ${line}`),
    progress: (model) => screen.progress(model.name),
  });
  const apply = ({ models, notes }: typeof first): void => {
    for (const note of notes) screen.print(note);
    if (models.length === 0)
      screen.print(
        `There is no LocalModel and no GGUF to serve in ${shown(paths)}; waiting for one.`,
      );
    supervisor.apply(models);
  };
  apply(first);
  const follow = async (): Promise<void> => {
    const { signal } = watching;
    for await (const _ of changes(paths, firstSignature, signal)) apply(await documents.read());
  };
  follow().catch((error: unknown) =>
    screen.print(`changes are no longer followed: ${String(error)}`),
  );

  return {
    url,
    stop: async () => {
      watching.abort();
      // In this order, because the requests that the API service finishes need their model servers.
      await api.stop();
      await supervisor.stop();
    },
  };
}

type ApiHooks = Omit<Parameters<typeof ApiProcess.start>[0], "module" | "onLine">;

async function startApi(options: LocalOptions, given: ApiHooks): Promise<ApiProcess> {
  const { host, port, keysFile, origins, apiModule, screen } = options;
  const access = {
    // Others may know this machine by any name; on its own, no name of a stranger means it.
    checkHost: isLoopback(host),
    adminFromLoopback: isLoopback(host),
    cors: { origins: [...origins] },
    ...(keysFile !== undefined && { keysFile }),
  };
  const hooks = {
    ...given,
    module: apiModule,
    onLine: (line: string) => screen.print(`api | ${line}`),
  };
  try {
    return await ApiProcess.start(hooks, { host, port }, access);
  } catch (cause) {
    const { message, cause: code } = cause as Error;
    const hint = `\nFor example: npm start -- --port ${port === 65_535 ? 0 : port + 1}`;
    throw new StartError(code === "EADDRINUSE" ? message + hint : message, { cause });
  }
}

/** Prints what happens to each model, and once how to call the first that is ready. */
function narrator(screen: Screen, url: string): SupervisorHooks["onChange"] {
  const before = new WeakMap<ModelRun, ServerView>();
  let isIntroduced = false;
  return (run, view, isReplacing) => {
    const { model } = run;
    const line = lineFor(model, before.get(run), view);
    before.set(run, view);
    if (line !== undefined) screen.print(line);
    if (line !== undefined && view.state === "failed" && isReplacing) {
      screen.print(`${model.name}: goes on being served as it was before`);
    }
    const { capabilities } = view.facts ?? {};
    // What is asleep is as good to try as what is loaded.
    const asleep = view.state === "asleep" ? view.header?.capabilities : undefined;
    const able = capabilities ?? asleep;
    if (isIntroduced || able === undefined) return;
    isIntroduced = true;
    screen.print(`\nTry it:\n  ${curlFor(url, model.ids[0] ?? "", able)}\n`);
  };
}

function shown(paths: readonly string[]): string {
  return paths.map((one) => path.relative(process.cwd(), one) || ".").join(", ");
}
