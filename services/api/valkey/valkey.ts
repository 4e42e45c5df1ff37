/**
 * One connection to Valkey, which may be away at any time.
 *
 * While it is, whoever asks is told so at once; what was asked on a connection that says nothing is given up after a
 * moment, and the connection with it, so that a server which hangs holds up one round of requests and not all of them.
 * Meanwhile it is tried again for ever, and the log says when that begins, why, and when it is over.
 */
import { isIP } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "@localmodel/service/log/log.ts";
import { createClient, ErrorReply, RESP_TYPES } from "@redis/client";
import { type Asked, type Script, ValkeyError } from "./script.ts";
import type { ValkeySettings } from "./settings.ts";
import type { ValkeyMetrics } from "./valkey-metrics.ts";

const CONNECT_TIMEOUT_MS = 3000;
const ANSWER_TIMEOUT_MS = 3000;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 3000;
const QUEUE_MAX_COMMANDS = 10_000;

type Options = {
  readonly settings: ValkeySettings;
  readonly log: Pick<Logger, "info" | "warn">;
  readonly metrics?: ValkeyMetrics | undefined;
};

type Connection = {
  readonly client: ReturnType<typeof newClient>;
  /** Rejects when it is of no use any more. */
  readonly end: PromiseWithResolvers<never>;
};

export class Valkey implements AsyncDisposable {
  readonly #options: Options;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #connection: Connection | undefined;
  #complaint: string | undefined;

  constructor(options: Options) {
    this.#options = options;
    options.metrics?.observeConnection(() => this.isConnected);
    this.#loop = this.#stayConnected();
  }

  /** Before the names of all keys. */
  get prefix(): string {
    return this.#options.settings.prefix;
  }

  /** As far as anybody knows. */
  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** What the script returns, with texts as bytes. Throws a ValkeyError, after a few seconds at most. */
  async run(script: Script, asked: Asked): Promise<unknown> {
    const connection = this.#connection;
    const measured = this.#options.metrics?.begin(script.name);
    try {
      if (connection === undefined) throw new ValkeyError("there is no connection to Valkey");
      const answer = await this.#answer(connection, script, asked);
      measured?.("ok");
      return answer;
    } catch (thrown) {
      measured?.("error");
      if (thrown instanceof ValkeyError) throw thrown;
      throw new ValkeyError(textOf(thrown), { cause: thrown });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#connection?.end.reject(new Error("closed"));
    await this.#loop;
  }

  async #answer(connection: Connection, script: Script, asked: Asked): Promise<unknown> {
    const running = runScript(connection.client, script, asked);
    try {
      return await inTime(running, ANSWER_TIMEOUT_MS);
    } catch (thrown) {
      // What it refuses it has answered; whatever else happens, the connection is not to be trusted.
      if (!(thrown instanceof ErrorReply)) connection.end.reject(thrown);
      throw thrown;
    }
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#closing;
    for (let backoffMs = BACKOFF_MIN_MS; !signal.aborted;) {
      const client = newClient(this.#options.settings);
      try {
        const end = Promise.withResolvers<never>();
        end.promise.catch(() => {});
        client.on("error", (error: Error) => end.reject(error));
        await Promise.race([inTime(client.connect(), CONNECT_TIMEOUT_MS), end.promise]);
        if (signal.aborted) return;
        this.#connection = { client, end };
        backoffMs = BACKOFF_MIN_MS;
        this.#isThere();
        await end.promise;
      } catch (thrown) {
        if (!signal.aborted) this.#complain(textOf(thrown));
      } finally {
        this.#connection = undefined;
        if (client.isOpen) client.destroy();
      }
      await pause(backoffMs, undefined, { signal }).catch(() => {});
      backoffMs = Math.min(BACKOFF_MAX_MS, 2 * backoffMs);
    }
  }

  #isThere(): void {
    const { settings, log } = this.#options;
    this.#complaint = undefined;
    log.info("connected to Valkey", { host: settings.host, port: settings.port });
  }

  /** Once for each cause. */
  #complain(error: string): void {
    if (this.#complaint === error) return;
    this.#complaint = error;
    const { settings, log } = this.#options;
    log.warn("Valkey cannot be used", { host: settings.host, port: settings.port, error });
  }
}

/** What TLS calls it: an address has no name, and is looked for in its certificate all the same. */
function nameOf(host: string): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

function newClient({ host, port, username, password, database, tls }: ValkeySettings) {
  const where = {
    host,
    port,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectStrategy: false,
  } as const;
  return createClient({
    socket: tls === undefined ? where : { ...where, ...tls, tls: true, ...nameOf(host) },
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    database,
    name: "localmodel-api",
    disableClientInfo: true,
    maintNotifications: "disabled",
    disableOfflineQueue: true,
    commandsQueueMaxLength: QUEUE_MAX_COMMANDS,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  });
}

async function runScript(
  client: ReturnType<typeof newClient>,
  { sha, source }: Script,
  { keys, args }: Asked,
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await client.sendCommand(["EVALSHA", sha, ...rest]);
  } catch (thrown) {
    if (!(thrown instanceof ErrorReply) || !thrown.message.startsWith("NOSCRIPT")) throw thrown;
    return client.sendCommand(["EVAL", source, ...rest]);
  }
}

async function inTime<Result>(promise: Promise<Result>, timeoutMs: number): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new ValkeyError(`no answer within ${timeoutMs / 1000} s`));
  }, timeoutMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => {});
  }
}

/** An AggregateError of all addresses of a name has no message of its own. */
function textOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(textOf).join("; ");
  return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
}
