/**
 * What keys use, counted in Valkey for all replicas of the API service together, so that a key has all of its limits
 * whichever replica its requests meet.
 *
 * Nobody waits long for it: while it is away, or says nothing for a moment, each replica counts for itself, as without
 * it. What a request has been let in by it is settled by.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { LimitLeft } from "@localmodel/inference/dialect.ts";
import type { ApiKey } from "@localmodel/localmodel/contracts/api-keys.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import { z } from "zod";
import { type Asked, type Script, ValkeyError } from "../valkey/script.ts";
import { tenantStem } from "../valkey/tenant-names.ts";
import type { Valkey } from "../valkey/valkey.ts";
import type { Refusal } from "./allowance.ts";
import type { Entry, Ledger, Opening } from "./ledger.ts";
import { BELIEVED_MS, OPEN, RESERVE, SETTLE } from "./limit-scripts.ts";

const ANSWER_TIMEOUT_MS = 500;
/** When one of the open requests ends, nobody knows. */
const CONCURRENCY_WAIT_MS = 1000;

const number = z.instanceof(Buffer).transform((bytes) => Number(bytes.toString()));
const short = z
  .instanceof(Buffer)
  .transform((bytes) => bytes.toString())
  .pipe(z.enum(["", "tokens", "requests", "concurrency"]));
const Opened = z.tuple([short, number, number]);
const Reserved = z.tuple([short, number]);

type Options = {
  readonly valkey: Pick<Valkey, "run" | "prefix">;
  /** For while it is away. */
  readonly own: Ledger;
  readonly log: Pick<Logger, "info" | "warn">;
};

export class SharedLedger implements Ledger, Disposable {
  readonly #options: Options;
  readonly #replica = randomUUID();
  /** By name of the key: requests that are open here and counted there. */
  readonly #open = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #isAway = false;

  constructor(options: Options) {
    this.#options = options;
    this.#timer = setInterval(() => this.#sayAgain(), BELIEVED_MS / 3).unref();
  }

  readonly open = async (key: ApiKey): Promise<Opening> => {
    const { requestsPerMinute, tokensPerMinute, concurrency } = key;
    const limits = [requestsPerMinute, tokensPerMinute, concurrency];
    if (limits.every((limit) => limit === undefined)) return this.#options.own.open(key);
    const here = this.#count(key, 1);
    const args = [this.#replica, String(here), ...limits.map((limit) => String(limit ?? ""))];
    const answer = await this.#ask(OPEN, key, args);
    const [lack, requests, tokens] = Opened.safeParse(answer).data ?? [];
    if (lack !== "") this.#count(key, -1);
    if (lack === undefined) return this.#options.own.open(key);
    const left = [
      ...leftOf("requests", requestsPerMinute, requests),
      ...leftOf("tokens", tokensPerMinute, tokens),
    ];
    if (lack === "") return { left, entry: this.#entry(key) };
    return { left, refusal: refusalOf(key, lack, { requests, tokens }) };
  };

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #entry(key: ApiKey): Entry {
    const { tokensPerMinute } = key;
    /** What is set aside; a request may end before that is known. */
    let reserved = Promise.resolve(0);
    const reserve = async (tokens: number): Promise<Refusal | undefined> => {
      if (tokensPerMinute === undefined) return undefined;
      const amount = Math.min(tokens, tokensPerMinute);
      const asking = this.#ask(RESERVE, key, [String(tokensPerMinute), String(amount)]);
      const answer = asking.then((found) => Reserved.safeParse(found).data);
      reserved = answer.then((found) => (found?.[0] === "" ? amount : 0));
      const [lack, used] = (await answer) ?? [];
      return lack === "tokens" ? refusalOf(key, lack, { tokens: used }) : undefined;
    };
    const close = (used: number): void => {
      const here = this.#count(key, -1);
      void reserved.then((amount) => this.#settle(key, here, used - amount));
    };
    return { reserve, close };
  }

  #settle(key: ApiKey, here: number, tokens: number): Promise<unknown> {
    const limit = String(key.tokensPerMinute ?? "");
    return this.#ask(SETTLE, key, [this.#replica, String(here), limit, String(tokens)]);
  }

  #sayAgain(): void {
    for (const [name, here] of this.#open) {
      void this.#ask(SETTLE, { name }, [this.#replica, String(here), "", "0"]);
    }
  }

  /** How many there are now. */
  #count({ name }: ApiKey, change: number): number {
    const count = (this.#open.get(name) ?? 0) + change;
    if (count > 0) this.#open.set(name, count);
    else this.#open.delete(name);
    return count;
  }

  /** Undefined: it is away, or said nothing in time. */
  async #ask(
    script: Script,
    { name }: Pick<ApiKey, "name">,
    args: Asked["args"],
  ): Promise<unknown> {
    const { valkey } = this.#options;
    const over = new AbortController();
    try {
      const asked = { keys: [`${tenantStem(valkey.prefix, name)}:limits`], args };
      const answer = await Promise.race([valkey.run(script, asked), late(over.signal)]);
      this.#isThere();
      return answer;
    } catch (error) {
      if (!(error instanceof ValkeyError)) throw error;
      this.#complain(error);
      return undefined;
    } finally {
      over.abort();
    }
  }

  #isThere(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#options.log.info("replicas count together again what keys use");
  }

  #complain({ message }: ValkeyError): void {
    if (this.#isAway) return;
    this.#isAway = true;
    this.#options.log.warn("each replica counts for itself what keys use", { error: message });
  }
}

async function late(signal: AbortSignal): Promise<never> {
  await pause(ANSWER_TIMEOUT_MS, undefined, { signal }).catch(() => {});
  throw new ValkeyError(`no answer within ${ANSWER_TIMEOUT_MS} ms`);
}

/** None, where there is no limit. */
function leftOf(
  what: LimitLeft["what"],
  limit: number | undefined,
  used = 0,
): readonly LimitLeft[] {
  if (limit === undefined) return [];
  const remaining = Math.max(0, Math.floor(limit - used));
  return [{ what, limit, remaining, fullInMs: paidInMs(used, limit) }];
}

type Used = { readonly requests?: number | undefined; readonly tokens?: number | undefined };

function refusalOf(key: ApiKey, what: Refusal["what"], used: Used): Refusal {
  const { concurrency = 0, requestsPerMinute, tokensPerMinute } = key;
  if (what === "concurrency") return { what, limit: concurrency, waitMs: CONCURRENCY_WAIT_MS };
  const limit = (what === "tokens" ? tokensPerMinute : requestsPerMinute) ?? 1;
  return { what, limit, waitMs: Math.max(1, paidInMs((used[what] ?? 0) - limit + 1, limit)) };
}

/** By as much of its limit a minute as it has. */
function paidInMs(used: number, limit: number): number {
  return Math.max(0, Math.ceil((used / limit) * 60_000 - 1e-3));
}
