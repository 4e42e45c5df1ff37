/**
 * A span as services see it, and the few ways to make one.
 *
 * Whoever is traced holds a span, whoever is not holds none: `span?.event(...)` costs nothing then, and no module of
 * OpenTelemetry is loaded. Times are those of `epochMs`; left out, they are now.
 */

export type AttributeValue = string | number | boolean | readonly string[];
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** A client's or our own headers, by lower-case name. */
export type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;

export type SpanOptions = {
  readonly kind?: "server" | "client" | "internal";
  readonly startMs?: number;
  readonly attributes?: Attributes;
  /** Spans that this one follows from without being part of them. */
  readonly links?: readonly Span[];
};

export type Span = {
  readonly traceId: string;
  readonly spanId: string;
  /** False when this trace was not chosen to be kept: its ids are passed on, and nothing is recorded. */
  readonly isRecording: boolean;
  child(name: string, options?: SpanOptions): Span;
  set(attributes: Attributes): void;
  event(name: string, atMs?: number, attributes?: Attributes): void;
  /** `errorType` is from a short list, never a message. */
  fail(errorType: string): void;
  end(endMs?: number): void;
  /** Writes `traceparent` and `tracestate`, so that the receiver goes on with this trace. */
  inject(headers: Record<string, string>): void;
};

export type Tracer = {
  /** Goes on with the trace that the headers are part of, or begins one. */
  start(name: string, options: SpanOptions & { readonly headers?: IncomingHeaders }): Span;
};

type Phase<Result> = Pick<SpanOptions, "kind" | "attributes"> & {
  /** Its own span, if there is one, is for what happens inside of it. */
  readonly act: (span: Span | undefined) => Result;
  /** What there is to say once it has ended well. */
  readonly describe?: (result: Awaited<Result>) => Attributes;
  /** From a short list. */
  readonly errorTypeOf: (error: unknown) => string;
};

/** What happens in `act`, as a child of `parent`. */
export async function within<Result>(
  parent: Span | undefined,
  name: string,
  { act, describe, errorTypeOf, ...options }: Phase<Result>,
): Promise<Awaited<Result>> {
  if (parent?.isRecording !== true) return await act(undefined);
  const span = parent.child(name, options);
  try {
    const result = await act(span);
    if (describe !== undefined) span.set(describe(result));
    return result;
  } catch (error) {
    span.fail(errorTypeOf(error));
    throw error;
  } finally {
    span.end();
  }
}

/** The same for what takes no time to wait for. */
export function withinSync<Result>(
  parent: Span | undefined,
  name: string,
  { act, describe, errorTypeOf, ...options }: Phase<Result>,
): Result {
  if (parent?.isRecording !== true) return act(undefined);
  const span = parent.child(name, options);
  try {
    const result = act(span);
    if (describe !== undefined) span.set(describe(result as Awaited<Result>));
    return result;
  } catch (error) {
    span.fail(errorTypeOf(error));
    throw error;
  } finally {
    span.end();
  }
}
