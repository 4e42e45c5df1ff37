/**
 * Hands out endpoints and remembers what became of them: the state around `pick`.
 *
 * Whoever takes one disposes of the lease on every path, which `using` does; the lease takes the count back
 * and passes the verdict on.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { Outliers, type Verdict } from "./outliers.ts";
import { type Candidate, pick } from "./pick.ts";
import { PrefixIndex } from "./prefix-index.ts";
import type { Link } from "./prompt-chain.ts";
import { affinityOf, anchorOf } from "./rendezvous.ts";
import { WarmUp } from "./warm-up.ts";

type BalancedModel = Pick<DirectoryModel, "id" | "endpoints" | "leaving" | "slots">;

/** Why this endpoint and no other; a probe is a request to one that was ejected. */
type PickReason = "only" | "prefix" | "affinity" | "least_loaded" | "probe";

export type Lease = Disposable & {
  readonly endpoint: string;
  readonly reason: PickReason;
  /** The head of an answer has come that is not the server's own failure. */
  answered(): void;
  /** The last word counts; without any, nothing is held against the endpoint. */
  judge(verdict: Verdict): void;
};

type BalancerOptions = {
  /** Milliseconds that only go up. */
  readonly now?: () => number;
  readonly onEjection?: (reason: Verdict) => void;
  /** Replicas of the API service, this one included, that send to the same endpoints. */
  readonly gateways?: (() => number) | undefined;
};

/** A replica that sees a part of what is in flight sees it by chance more at one endpoint than at another. */
const PARTIAL_VIEW_SLACK = 1;

export class Balancer {
  readonly #now: () => number;
  readonly #gateways: () => number;
  readonly #inFlight = new Map<string, number>();
  readonly #lastUse = new Map<string, number>();
  readonly #outliers: Outliers;
  readonly #prefixes = new PrefixIndex();
  readonly #models = new Map<string, { endpoints: readonly string[]; warmUp: WarmUp }>();
  #uses = 0;

  constructor({
    now = () => performance.now(),
    onEjection,
    gateways = () => 1,
  }: BalancerOptions = {}) {
    this.#now = now;
    this.#gateways = gateways;
    this.#outliers = new Outliers(onEjection);
  }

  inFlight(endpoint: string): number {
    return this.#inFlight.get(endpoint) ?? 0;
  }

  /** How many beginnings of prompts it is likely to find in its cache. */
  remembered(endpoint: string): number {
    return this.#prefixes.countOf(endpoint);
  }

  /**
   * An endpoint that has not been `tried` if there is one; undefined when the model has none. `chain` is
   * asked for only where there is a choice.
   */
  lease(
    model: BalancedModel,
    chain: () => readonly Link[],
    tried: ReadonlySet<string>,
  ): Lease | undefined {
    const [only] = model.endpoints;
    if (only === undefined) return undefined;
    const nowMs = this.#now();
    const warmUp = this.#warmUpOf(model, nowMs);
    if (model.endpoints.length === 1) return this.#take(only, "only");
    const links = chain();
    const shared = this.#prefixes.sharedBytes(links);
    const slots = model.slots ?? 1;
    const gateways = this.#gateways();
    const isAlone = gateways === 1;
    // One that knows everything itself needs no agreement with others.
    const anchor = isAlone ? undefined : anchorOf(links);
    const candidates = model.endpoints.map((url): Candidate => ({
      url,
      inFlight: this.inFlight(url),
      weight: slots * warmUp.shareOf(url, nowMs),
      available: this.#outliers.isAvailable(url, nowMs),
      isLeaving: model.leaving?.includes(url) === true,
      tried: tried.has(url),
      sharedBytes: shared.get(url) ?? 0,
      affinity: anchor === undefined ? 0 : affinityOf(anchor, url),
      lastUse: this.#lastUse.get(url) ?? 0,
    }));
    const slack = isAlone ? 0 : PARTIAL_VIEW_SLACK;
    const chosen = pick(candidates, { slack, share: 1 / gateways });
    if (chosen === undefined) return undefined;
    this.#prefixes.add(links, chosen.url);
    return this.#take(chosen.url, reasonOf(chosen));
  }

  #warmUpOf({ id, endpoints }: BalancedModel, nowMs: number): WarmUp {
    const known = this.#models.get(id);
    if (known?.endpoints === endpoints) return known.warmUp;
    const warmUp = known?.warmUp ?? new WarmUp();
    for (const gone of warmUp.update(endpoints, nowMs)) {
      this.#outliers.forget(gone);
      this.#lastUse.delete(gone);
    }
    this.#models.set(id, { endpoints, warmUp });
    return warmUp;
  }

  #take(endpoint: string, reason: PickReason): Lease {
    this.#inFlight.set(endpoint, this.inFlight(endpoint) + 1);
    this.#lastUse.set(endpoint, ++this.#uses);
    const isProbe = this.#outliers.asked(endpoint);
    let verdict: Verdict = "none";
    let taken = true;
    return {
      endpoint,
      reason: isProbe ? "probe" : reason,
      answered: () => this.#outliers.answered(endpoint),
      judge: (given) => (verdict = given),
      [Symbol.dispose]: () => {
        if (!taken) return;
        taken = false;
        this.#giveBack(endpoint);
        this.#outliers.ended(endpoint, verdict, this.#now());
      },
    };
  }

  #giveBack(endpoint: string): void {
    const left = this.inFlight(endpoint) - 1;
    if (left > 0) this.#inFlight.set(endpoint, left);
    else this.#inFlight.delete(endpoint);
  }
}

function reasonOf({ sharedBytes, affinity }: Candidate): PickReason {
  if (sharedBytes > 0) return "prefix";
  return affinity > 0 ? "affinity" : "least_loaded";
}
