/** A span that has ended, as its tracer noted it. */
import type { Id } from "./ids.ts";
import type { Attributes, AttributeValue } from "./span.ts";

/** The numbers of OpenTelemetry's SpanKind. */
export const KINDS = { internal: 0, server: 1, client: 2 } as const;

export type SpanEvent = {
  readonly name: string;
  readonly atMs: number;
  readonly attributes: Attributes;
};

/** Another span, as it is told to those who come after it. */
export type SpanLink = {
  readonly traceId: string;
  readonly spanId: string;
  readonly isRecording: boolean;
};

/** Names and values in turn, no name twice. */
export type FlatAttributes = readonly AttributeValue[];

export type EndedSpan = {
  readonly name: string;
  readonly kind: number;
  /** `state`: as in the header; empty for none. */
  readonly trace: { readonly id: Id; readonly state: string };
  readonly id: Id;
  /** Undefined for the first of a trace. */
  readonly parentId: Id | undefined;
  readonly isParentRemote: boolean;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: FlatAttributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  readonly hasFailed: boolean;
};
