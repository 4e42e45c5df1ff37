/**
 * Spans of what the engine does with a request: template, look where there are pictures or sounds, and for each choice queue,
 * prefill and decode; or queue and evaluate, where there are no choices.
 *
 * A request may have hundreds of choices; the phases of the first few say what there is to say.
 */
import type { Attributes, Span } from "@localmodel/telemetry/spans/span.ts";
import { epochMs } from "@localmodel/telemetry/spans/epoch.ts";
import type { AnyEvent } from "@localmodel/inference/operation.ts";

const CHOICES_MAX = 8;
/** In place of a choice, where there are none. */
const WHOLE = -1;

export class EnginePhases {
  readonly #parent: Span;
  readonly #startMs: number;
  /** Of each choice that is shown, its current phase. */
  readonly #current = new Map<number, Span>();
  #acceptedMs: number | undefined;
  #engine: Attributes = {};

  constructor(parent: Span, startMs: number) {
    this.#parent = parent;
    this.#startMs = startMs;
  }

  /** A time of the engine's clock that lies within the parent. */
  clamped(atMs: number | undefined): number {
    const nowMs = epochMs();
    return Math.min(Math.max(atMs ?? nowMs, this.#startMs), nowMs);
  }

  event(event: AnyEvent): void {
    switch (event.type) {
      case "accepted":
        return this.#accepted(event);
      case "started":
        return this.#started(event);
      case "prefilled":
        return this.#prefilled(event);
      case "finish":
        return this.#finished(event);
      case "evaluating":
        return this.#evaluating(event);
      case "done":
        return this.#done(event);
      default:
    }
  }

  /** What has not come to its end ends here, for this reason. */
  end(errorType: string | undefined): void {
    if (errorType === undefined) return;
    // Nothing has been heard of the engine, or it waits for a slot.
    if (this.#acceptedMs === undefined) this.#failed("template", this.#startMs, errorType);
    else if (this.#current.size === 0) this.#failed("queue", this.#acceptedMs, errorType);
    for (const span of this.#current.values()) {
      span.fail(errorType);
      span.end();
    }
  }

  #accepted({ engine, atMs, promptTokens }: Extract<AnyEvent, { type: "accepted" }>): void {
    this.#engine = { "localmodel.engine.pid": engine?.processId };
    const endMs = this.clamped(atMs);
    this.#acceptedMs = endMs;
    const lookingMs = engine?.lookingMs === undefined ? undefined : this.clamped(engine.lookingMs);
    this.#child("template", this.clamped(engine?.receivedMs), {
      "localmodel.prompt.tokens": promptTokens,
    }).end(lookingMs ?? endMs);
    if (lookingMs !== undefined) this.#child("look", lookingMs, {}).end(endMs);
  }

  #started({ choice, atMs, cachedTokens }: Extract<AnyEvent, { type: "started" }>): void {
    if (choice >= CHOICES_MAX) return;
    const startMs = this.clamped(atMs);
    const about = choice === 0 ? {} : { "localmodel.choice": choice };
    this.#child("queue", this.#acceptedMs ?? startMs, about).end(startMs);
    const attributes = { ...about, "localmodel.prefill.cached_tokens": cachedTokens };
    this.#current.set(choice, this.#child("prefill", startMs, attributes));
  }

  #prefilled({ choice, ...event }: Extract<AnyEvent, { type: "prefilled" }>): void {
    const prefill = this.#current.get(choice);
    if (prefill === undefined) return;
    const atMs = this.clamped(event.atMs);
    prefill.set({
      "localmodel.prefill.tokens": event.evaluatedTokens,
      "localmodel.prefill.chunks": event.chunks,
    });
    prefill.end(atMs);
    const about = choice === 0 ? {} : { "localmodel.choice": choice };
    const decode = this.#child("decode", atMs, about);
    decode.event("gen_ai.first_token", atMs);
    this.#current.set(choice, decode);
  }

  /** Of an operation that works on its prompt as a whole. */
  #evaluating({ atMs }: Extract<AnyEvent, { type: "evaluating" }>): void {
    const startMs = this.clamped(atMs);
    this.#child("queue", this.#acceptedMs ?? startMs, {}).end(startMs);
    this.#current.set(WHOLE, this.#child("evaluate", startMs, {}));
  }

  #done({ atMs }: Extract<AnyEvent, { type: "done" }>): void {
    this.#current.get(WHOLE)?.end(this.clamped(atMs));
    this.#current.delete(WHOLE);
  }

  #finished({ choice, ...event }: Extract<AnyEvent, { type: "finish" }>): void {
    const decode = this.#current.get(choice);
    if (decode === undefined) return;
    decode.set({ "localmodel.decode.tokens": event.completionTokens });
    decode.end(this.clamped(event.atMs));
    this.#current.delete(choice);
  }

  #failed(name: string, startMs: number, errorType: string): void {
    const span = this.#child(name, startMs, {});
    span.fail(errorType);
    span.end();
  }

  #child(name: string, startMs: number, attributes: Attributes): Span {
    return this.#parent.child(name, { startMs, attributes: { ...this.#engine, ...attributes } });
  }
}
