/**
 * Answers in Valkey, for all replicas alike, and for those that come after them.
 */
import type { Failure } from "@localmodel/inference/failure.ts";
import { storeUnreachable } from "@localmodel/inference/unavailability.ts";
import type { ApiConfig } from "@localmodel/localmodel/contracts/api-config.ts";
import type { Logger } from "@localmodel/service/log/log.ts";
import { z } from "zod";
import { type Asked, type Script, ValkeyError } from "../valkey/script.ts";
import { tenantStem } from "../valkey/tenant-names.ts";
import type { Valkey } from "../valkey/valkey.ts";
import { type AnswerStore, turnsByRuns } from "./answer-store.ts";
import { Chain, type KeptResponse, RUN_MIN_BYTES, SHARE_OF_ONE } from "./kept-responses.ts";
import { DELETE, FIND, KEEP, TURNS } from "./valkey-scripts.ts";

/** At once: Valkey does nothing else meanwhile. */
const RUN_MAX_TURNS = 256;
/** What one costs beside its bytes. */
const OVERHEAD_BYTES = 512;
const EMPTY = Buffer.alloc(0);

const Bytes = z.instanceof(Buffer);
const Found = z.tuple([Bytes.nullable(), Bytes, Bytes, Bytes, Bytes]);
const Turns = z.array(z.tuple([Bytes, Bytes, Bytes, Bytes, Bytes]));

type Options = {
  readonly valkey: Pick<Valkey, "run" | "prefix" | "isConnected">;
  /** Of each tenant. */
  readonly limits: ApiConfig["keptResponses"];
  readonly log: Pick<Logger, "warn">;
};

export class ValkeyAnswers implements AnswerStore {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  get oneMaxBytes(): number {
    return Math.floor(this.#options.limits.maxBytes * SHARE_OF_ONE);
  }

  get outage(): Failure | undefined {
    return this.#options.valkey.isConnected ? undefined : storeUnreachable();
  }

  async keep(tenant: string, kept: KeptResponse): Promise<void> {
    const { limits, log } = this.#options;
    const { id, previous, input, output, response, chain } = kept;
    const bytes = OVERHEAD_BYTES + input.length + output.length + response.length;
    if (bytes > this.oneMaxBytes || id === "" || limits.maxCount === 0) return;
    const fields: (string | Buffer)[] = ["input", input, "output", output, "response", response];
    fields.push("chain", JSON.stringify(chain));
    if (previous !== undefined) fields.push("previous", previous);
    const { maxCount, maxBytes } = limits;
    const args = [id, String(bytes), String(maxCount), String(maxBytes), ...fields];
    try {
      await this.#evaluate(KEEP, tenant, args);
    } catch (error) {
      log.warn("an answer was not kept", { error: String(error) });
    }
  }

  async find(tenant: string, id: string): Promise<KeptResponse | undefined> {
    const values = await this.#ask(FIND, tenant, [id]);
    const found = Found.safeParse(values);
    if (!found.success) return undefined;
    const [previous, input, output, chain, response] = found.data;
    return {
      id,
      ...(previous !== null && { previous: previous.toString() }),
      input,
      output,
      response,
      chain: chainIn(chain),
    };
  }

  turnsUpTo(tenant: string, id: string, maxBytes: number): Promise<readonly KeptResponse[]> {
    return turnsByRuns(id, maxBytes, (next) => this.#run(tenant, next, RUN_MAX_TURNS));
  }

  async turn(tenant: string, id: string): Promise<KeptResponse | undefined> {
    const [turn] = await this.#run(tenant, id, 1);
    return turn;
  }

  async delete(tenant: string, id: string): Promise<boolean> {
    return (await this.#ask(DELETE, tenant, [id])) === 1;
  }

  /** A turn and so many before it at most, newest first. */
  async #run(tenant: string, id: string, maxTurns: number): Promise<readonly KeptResponse[]> {
    const args = [id, String(RUN_MIN_BYTES), String(maxTurns)];
    const turns = Turns.parse(await this.#ask(TURNS, tenant, args));
    return turns.map(([turn, previous, input, output, chain]) => ({
      id: turn.toString(),
      ...(previous.length > 0 && { previous: previous.toString() }),
      input,
      output,
      response: EMPTY,
      chain: chainIn(chain),
    }));
  }

  /** Throws a Failure. */
  async #ask(script: Script, tenant: string, args: Asked["args"]): Promise<unknown> {
    try {
      return await this.#evaluate(script, tenant, args);
    } catch (error) {
      if (!(error instanceof ValkeyError)) throw error;
      this.#options.log.warn("Valkey was asked in vain", {
        for: script.name,
        error: error.message,
      });
      throw storeUnreachable({ cause: error });
    }
  }

  #evaluate(script: Script, tenant: string, args: Asked["args"]): Promise<unknown> {
    const { valkey, limits } = this.#options;
    const stem = tenantStem(valkey.prefix, tenant);
    const lifetimeMs = String(1000 * limits.lifetimeSeconds);
    const keys = [`${stem}:used`, `${stem}:sizes`];
    return valkey.run(script, { keys, args: [`${stem}:answer:`, lifetimeMs, ...args] });
  }
}

/** What nobody can read leads to no server, and is no reason to fail. */
function chainIn(json: Buffer): KeptResponse["chain"] {
  try {
    return Chain.parse(JSON.parse(json.toString()));
  } catch {
    return [];
  }
}
