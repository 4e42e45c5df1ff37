/**
 * What a request waits for while its model wakes, one after the other, as spans of a trace: that somebody makes a server, a
 * node for it, its image, its weights, and that they are loaded.
 */
import type { ConditionReason } from "@localmodel/localmodel/cluster/condition-reasons.ts";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { Span } from "@localmodel/telemetry/spans/span.ts";

type WaitPhase = {
  readonly name: "wake" | "schedule" | "pull" | "fetch" | "load" | "restart" | "slot";
  /** In one word: a reason of the condition Ready, or the model's state. */
  readonly reason: string;
};

const PULL: ReadonlySet<string> = new Set([
  "ImagePullFailed",
  "PullingImage",
] satisfies readonly ConditionReason[]);

const NAMES: Readonly<Record<DirectoryModel["state"], WaitPhase["name"]>> = {
  asleep: "wake",
  pending: "schedule",
  downloading: "fetch",
  loading: "load",
  restarting: "restart",
  ready: "slot",
  failed: "wake",
};

function waitPhaseOf({ endpoints, state, reason = state }: WaitedFor): WaitPhase {
  if (endpoints.length > 0) return { name: "slot", reason: "ready" };
  return { name: PULL.has(reason) ? "pull" : NAMES[state], reason };
}

type WaitedFor = Pick<DirectoryModel, "endpoints" | "reason" | "state">;

/** A child of `parent` for each phase, the last one until it is disposed. */
export class WaitPhases implements Disposable {
  readonly #parent: Span;
  #current: { readonly phase: WaitPhase; readonly span: Span } | undefined;

  constructor(parent: Span) {
    this.#parent = parent;
  }

  /** As often as one likes. */
  see(model: WaitedFor): void {
    const phase = waitPhaseOf(model);
    const { name, reason } = this.#current?.phase ?? {};
    if (phase.name === name && phase.reason === reason) return;
    this[Symbol.dispose]();
    const attributes = { "localmodel.wait.reason": phase.reason };
    this.#current = { phase, span: this.#parent.child(phase.name, { attributes }) };
  }

  [Symbol.dispose](): void {
    this.#current?.span.end();
    this.#current = undefined;
  }
}
