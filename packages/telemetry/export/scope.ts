/** Who made the spans, in OpenTelemetry's words: one instrumentation for all of them. */
export const SCOPE = { name: "localmodel" } as const;
