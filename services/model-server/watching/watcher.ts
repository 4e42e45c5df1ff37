/**
 * Who watches what is asked of the engine on its way to the client: the prompt log, traces, metrics. One interface for
 * every operation.
 *
 * Watchers see every event before the client does, and once how it ended. Without any, nothing stands in between.
 */
import type { AnswerHead } from "@localmodel/inference/wire.ts";
import type { Endpoint } from "@localmodel/inference/endpoint.ts";
import type { Reports } from "@localmodel/inference/events.ts";
import type {
  AnyEvent,
  AnyRequest,
  EventOf,
  Operation,
  RequestOf,
} from "@localmodel/inference/operation.ts";
import type { Span } from "@localmodel/telemetry/spans/span.ts";
import type { Engine } from "../engine/contract.ts";

/** One request to the engine, and what is known of it before it is made. */
export type Asked = AnyRequest & {
  readonly endpoint: Endpoint;
  /** As the client named the model. */
  readonly requestModel: string;
  readonly head: AnswerHead;
  readonly stream: boolean;
  readonly requestId: string;
  readonly path: string;
  /** Whose request it is, by the name of the key. Empty: nobody's in particular. */
  readonly tenant: string;
  /** Of the request as a whole, where it is traced. */
  readonly span: Span | undefined;
};

export type Ending = {
  /** The client has gone: whatever was thrown is an echo of that. */
  readonly hungUp: boolean;
  /** What kept it from its end, if anything did. */
  readonly thrown: unknown;
};

export type Watcher = {
  /** What the engine is to report beside what the client needs. */
  readonly reports: Reports;
  event(event: AnyEvent): void;
  end(ending: Ending): void;
};

/** Whoever wants to watch this request does. */
export type Watch = (asked: Asked) => Watcher | undefined;

type WatchedAsk<Op extends Operation> = {
  readonly operation: Op;
  readonly request: RequestOf<Op>;
  readonly watchers: readonly Watcher[];
};

export function askWatched<Op extends Operation>(
  engine: Pick<Engine, "ask">,
  { operation, request, watchers }: WatchedAsk<Op>,
  signal: AbortSignal,
): AsyncIterable<EventOf<Op>> {
  if (watchers.length === 0) return engine.ask(operation, request, signal);
  const reporting = Object.assign(
    {},
    request,
    ...watchers.map(({ reports }) => reports),
  ) as RequestOf<Op>;
  return watched(engine.ask(operation, reporting, signal), watchers, signal);
}

async function* watched<Event extends AnyEvent>(
  events: AsyncIterable<Event>,
  watchers: readonly Watcher[],
  signal: AbortSignal,
): AsyncGenerator<Event> {
  let thrown: unknown;
  try {
    for await (const event of events) {
      for (const watcher of watchers) watcher.event(event);
      yield event;
    }
  } catch (error) {
    thrown = error;
    throw error;
  } finally {
    for (const watcher of watchers) watcher.end({ hungUp: signal.aborted, thrown });
  }
}
