/**
 * What the containers that run before the server share: they do one piece of work, say on `GET /progress` how
 * it goes, and end with a message that Kubernetes keeps.
 *
 * They end at once when told to. What they have written so far is continued by the next, and as the first
 * process of a container they would not end by a signal that they do not handle.
 */
import { createServer, type RequestListener } from "node:http";
import {
  FETCH_CONFIG_VARIABLE,
  FetchConfig,
} from "@localmodel/localmodel/contracts/fetch-config.ts";
import { createLogger, type Logger } from "@localmodel/service/log/log.ts";
import { WeightsError } from "@localmodel/weights/source/weights-error.ts";
import { ConfigurationError, configurationFrom } from "../configuration.ts";
import type { FetchHooks } from "./fetch-files.ts";
import { leaveMessage, sayWhy } from "./last-words.ts";
import { ProgressBoard } from "./progress-board.ts";

const EXAMPLE =
  '{"files":[{"role":"weights","source":{"http":{"url":"https://example.com/model.gguf"}},' +
  '"path":"/models/model.gguf"}],"cacheFolder":"/cache","port":8081}';

/** Exits: 0 when `work` is done (its result is the message), 1 when it cannot be, 2 for a wrong configuration. */
export async function runContainer(
  name: string,
  work: (config: FetchConfig, hooks: FetchHooks) => Promise<string | undefined>,
): Promise<never> {
  const log = createLogger(name);
  const environment = process.env;
  process.on("SIGTERM", () => process.exit(143));
  process.on("SIGINT", () => process.exit(130));
  try {
    const config = configurationFrom(environment, {
      variable: FETCH_CONFIG_VARIABLE,
      schema: FetchConfig,
      example: EXAMPLE,
    });
    const board = new ProgressBoard("Starting");
    serveProgress(board, config, log);
    const message = await work(config, { board, log, environment });
    if (message !== undefined) leaveMessage(message, environment);
    process.exit(0);
  } catch (error) {
    const { reason, message, code } = verdictOf(error);
    log.error("given up", { reason, error: message });
    sayWhy({ reason, message }, environment);
    process.exit(code);
  }
}

function verdictOf(error: unknown): { reason: string; message: string; code: number } {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ConfigurationError) return { reason: "BadConfiguration", message, code: 2 };
  if (error instanceof WeightsError) return { reason: error.reason, message, code: 1 };
  return { reason: "FetchFailed", message: `${message} (this is a defect)`, code: 1 };
}

/** A courtesy: a port that is taken does not stop the work. */
function serveProgress(board: ProgressBoard, { host, port }: FetchConfig, log: Logger): void {
  const server = createServer(answerer(board));
  server.on("error", (error) => log.warn("cannot serve /progress", { error: error.message }));
  server.listen({ host, port }, () => {
    const address = server.address();
    const bound = typeof address === "object" ? address?.port : undefined;
    log.info("listening", { host, port: bound });
  });
  // The work keeps the process running.
  server.unref();
}

function answerer(board: ProgressBoard): RequestListener {
  return ({ method, url }, response) => {
    const { pathname } = new URL(url ?? "/", "http://localhost");
    const answers: Record<string, object> = {
      "/progress": board.current,
      "/healthz": { status: "ok" },
    };
    const answer = method === "GET" || method === "HEAD" ? answers[pathname] : undefined;
    response.writeHead(answer === undefined ? 404 : 200, {
      "content-type": "application/json",
      "cache-control": "no-store",
    });
    response.end(method === "HEAD" ? undefined : JSON.stringify(answer ?? { status: "not found" }));
  };
}
