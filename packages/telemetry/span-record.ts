/**
 * A span that has ended, as it goes from the thread that serves to the thread that exports.
 *
 * Tuples of plain values: they are made for every span of every request, and cross by structured clone.
 */

import type { AttributeValue } from "./span.ts";

/** The numbers of OpenTelemetry's SpanKind. */
export const KINDS = { internal: 0, server: 1, client: 2 } as const;

export type SpanEvent = readonly [name: string, atMs: number, attributes: object];
export type SpanLink = readonly [traceId: string, spanId: string, traceFlags: number];

/** Names and values in turn. A name that comes again has its last value. */
export type FlatAttributes = readonly AttributeValue[];

export type SpanRecord = readonly [
  name: string,
  kind: number,
  traceId: string,
  spanId: string,
  /** Empty for the first of a trace. */
  parentSpanId: string,
  isParentRemote: boolean,
  /** As in the header; empty for none. */
  traceState: string,
  startMs: number,
  endMs: number,
  attributes: FlatAttributes,
  events: readonly SpanEvent[],
  links: readonly SpanLink[],
  hasFailed: boolean,
];
