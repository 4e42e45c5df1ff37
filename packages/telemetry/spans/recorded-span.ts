/** The two kinds of span that a tracer hands out: one that takes notes, and one that only passes its trace on. */
import { type EndedSpan, KINDS, type SpanEvent, type SpanLink } from "./ended-span.ts";
import { epochMs } from "./epoch.ts";
import { hexOf, type Id, newSpanId } from "./ids.ts";
import type { Inject } from "./inject.ts";
import type { Attributes, AttributeValue, Span, SpanOptions } from "./span.ts";
import type { SpanLimits } from "../settings/span-limits.ts";

/** Where notes go, how much is noted, and how a trace is passed on. */
export type Ways = {
  readonly keep: (span: EndedSpan) => void;
  readonly inject: Inject;
  readonly limits: SpanLimits;
};

export type Trace = {
  readonly id: Id;
  readonly hex: string;
  /** As in the header; empty for none. */
  readonly state: string;
};

/** Where a span hangs. */
type Place = Pick<EndedSpan, "parentId" | "isParentRemote"> & {
  readonly trace: Trace;
  readonly parent?: RecordedSpan;
};

/** Shared by all that have none. */
const NONE: never[] = [];

export class RecordedSpan implements Span, EndedSpan {
  readonly isRecording = true;
  readonly name: string;
  readonly kind: number;
  readonly trace: Trace;
  readonly id = newSpanId();
  readonly parentId: Id | undefined;
  readonly isParentRemote: boolean;
  readonly startMs: number;
  readonly attributes: AttributeValue[] = [];
  readonly links: readonly SpanLink[];
  readonly #ways: Ways;
  readonly #parent: RecordedSpan | undefined;
  events: SpanEvent[] = NONE;
  hasFailed = false;
  endMs = 0;
  #spanId = "";
  /** When the last of its children ended. */
  #childrenMs = 0;

  constructor(ways: Ways, name: string, options: SpanOptions, place: Place) {
    const { parent } = place;
    this.#ways = ways;
    this.#parent = parent;
    this.trace = place.trace;
    this.name = name;
    this.kind = KINDS[options.kind ?? "internal"];
    this.parentId = place.parentId;
    this.isParentRemote = place.isParentRemote;
    this.startMs = Math.max(
      options.startMs ?? epochMs(),
      parent === undefined ? 0 : parent.startMs,
    );
    this.links = options.links?.map(linkTo) ?? NONE;
    if (options.attributes !== undefined) this.set(options.attributes);
  }

  get traceId(): string {
    return this.trace.hex;
  }

  get spanId(): string {
    if (this.#spanId === "") this.#spanId = hexOf(this.id);
    return this.#spanId;
  }

  child(name: string, options: SpanOptions = {}): Span {
    const { trace, id: parentId } = this;
    const place = { trace, parentId, isParentRemote: false, parent: this };
    return new RecordedSpan(this.#ways, name, options, place);
  }

  set(attributes: Attributes): void {
    for (const name in attributes) {
      const value = attributes[name];
      if (value !== undefined) this.#set(name, value);
    }
  }

  event(name: string, atMs = epochMs(), attributes: Attributes = {}): void {
    if (this.events === NONE) this.events = [];
    if (this.events.length < this.#ways.limits.events) this.events.push({ name, atMs, attributes });
  }

  fail(errorType: string): void {
    this.#set("error.type", errorType);
    this.hasFailed = true;
  }

  end(endMs?: number): void {
    if (this.endMs !== 0) return;
    this.endMs = Math.max(endMs ?? epochMs(), this.#childrenMs, this.startMs);
    const parent = this.#parent;
    if (parent !== undefined) parent.#childrenMs = Math.max(parent.#childrenMs, this.endMs);
    this.#ways.keep(this);
  }

  inject(headers: Record<string, string>): void {
    this.#ways.inject(headers, this, this.trace.state);
  }

  #set(name: string, value: AttributeValue): void {
    const { attributes: most, valueCharacters } = this.#ways.limits;
    const { attributes } = this;
    const kept = cut(value, valueCharacters);
    for (let index = 0; index < attributes.length; index += 2) {
      if (attributes[index] === name) {
        attributes[index + 1] = kept;
        return;
      }
    }
    if (attributes.length < 2 * most) attributes.push(name, kept);
  }
}

/** Stands for its whole trace in this process. */
export class UnrecordedSpan implements Span {
  readonly isRecording = false;
  readonly spanId = hexOf(newSpanId());
  readonly #inject: Inject;
  readonly #trace: Trace;

  constructor({ inject }: Ways, trace: Trace) {
    this.#inject = inject;
    this.#trace = trace;
  }

  get traceId(): string {
    return this.#trace.hex;
  }

  child(): Span {
    return this;
  }
  set(): void {}
  event(): void {}
  fail(): void {}
  end(): void {}

  inject(headers: Record<string, string>): void {
    this.#inject(headers, this, this.#trace.state);
  }
}

function linkTo({ traceId, spanId, isRecording }: Span): SpanLink {
  return { traceId, spanId, isRecording };
}

function cut(value: AttributeValue, characters: number): AttributeValue {
  if (typeof value === "string") {
    return value.length > characters ? value.slice(0, characters) : value;
  }
  return typeof value === "object" ? value.map((item) => item.slice(0, characters)) : value;
}
