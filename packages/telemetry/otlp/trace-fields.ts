/**
 * Numbers of the fields of OTLP's messages that say what a span is.
 * https://github.com/open-telemetry/opentelemetry-proto/tree/v1.9.0/opentelemetry/proto
 */

export const REQUEST = { resourceSpans: 1 } as const;
export const RESOURCE_SPANS = { resource: 1, scopeSpans: 2 } as const;
export const RESOURCE = { attributes: 1 } as const;
export const SCOPE = { name: 1 } as const;
export const SCOPE_SPANS = { scope: 1, spans: 2 } as const;
export const SPAN = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  parentSpanId: 4,
  name: 5,
  kind: 6,
  startTime: 7,
  endTime: 8,
  attributes: 9,
  events: 11,
  links: 13,
  status: 15,
  flags: 16,
} as const;
export const EVENT = { time: 1, name: 2, attributes: 3 } as const;
export const LINK = { traceId: 1, spanId: 2, flags: 6 } as const;
export const STATUS = { code: 3, error: 2 } as const;
export const ARRAY = { values: 1 } as const;
export const KEY_VALUE = { key: 1, value: 2 } as const;
export const ANY = { string: 1, bool: 2, int: 3, double: 4, array: 5 } as const;
/** Bits of the field `flags`. */
export const FLAGS = { sampled: 1, hasIsRemote: 0x100, isRemote: 0x200 } as const;
