/**
 * Jaeger's query API, as far as tests ask it: traces by id and by tag.
 */
import { z } from "zod";
import { eventually, type Patience } from "./eventually.ts";
import { type Attributes, type Span, Trace } from "./trace.ts";

const Tags = z.array(
  z.object({ key: z.string(), value: z.union([z.string(), z.number(), z.boolean()]) }),
);

const JaegerSpan = z.object({
  spanID: z.string(),
  operationName: z.string(),
  references: z.array(
    z.object({
      refType: z.enum(["CHILD_OF", "FOLLOWS_FROM"]),
      traceID: z.string(),
      spanID: z.string(),
    }),
  ),
  startTime: z.number(),
  duration: z.number(),
  tags: Tags,
  logs: z.array(z.object({ timestamp: z.number(), fields: Tags })),
  processID: z.string(),
});
const JaegerTrace = z.object({
  traceID: z.string(),
  spans: z.array(JaegerSpan),
  processes: z.record(z.string(), z.object({ serviceName: z.string(), tags: Tags })),
});
const Answer = z.object({ data: z.array(JaegerTrace) });

const PATIENCE: Patience = { timeoutMs: 20_000 };

/** What is at a path of the query API; undefined if there is nothing. */
type Fetch = (path: string) => Promise<unknown>;

export class Jaeger {
  readonly #fetch: Fetch;

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  static at(url: string): Jaeger {
    return new Jaeger(async (path) => {
      const response = await fetch(`${url}${path}`);
      if (response.status === 404) return undefined;
      if (response.ok) return response.json();
      throw new Error(`Jaeger answered ${response.status}: ${await response.text()}`);
    });
  }

  /** Once it looks like this: processes send their spans on their own, a moment after they have ended. */
  async trace(traceId: string, outline: string, patience = PATIENCE): Promise<Trace> {
    const what = `trace ${traceId} to be\n${outline}\n`;
    return eventually(
      what,
      async () => {
        const trace = await this.find(traceId);
        if (trace?.outline() !== outline) throw new Error(`\n${trace?.outline() ?? "nothing"}`);
        return trace;
      },
      patience,
    );
  }

  async find(traceId: string): Promise<Trace | undefined> {
    const [trace] = await this.#ask(`/api/traces/${traceId}`);
    return trace;
  }

  /** Those with a span of this service that has all the tags. */
  async search(service: string, tags: Readonly<Record<string, string>>): Promise<readonly Trace[]> {
    const query = new URLSearchParams({
      service,
      tags: JSON.stringify(tags),
      lookback: "1h",
      limit: "20",
    });
    return this.#ask(`/api/traces?${query.toString()}`);
  }

  async #ask(path: string): Promise<readonly Trace[]> {
    const answer = await this.#fetch(path);
    return answer === undefined ? [] : Answer.parse(answer).data.map(traceOf);
  }
}

function traceOf({ traceID, spans, processes }: z.infer<typeof JaegerTrace>): Trace {
  return new Trace(
    traceID,
    spans.map((span): Span => {
      const parent = span.references.find(({ refType }) => refType === "CHILD_OF");
      const links = span.references.filter(({ refType }) => refType === "FOLLOWS_FROM");
      const process = processes[span.processID];
      return {
        id: span.spanID,
        name: span.operationName,
        service: process?.serviceName ?? "",
        resource: valuesOf(process?.tags ?? []),
        ...(parent !== undefined && { parentId: parent.spanID }),
        links: links.map(({ spanID }) => spanID),
        startUs: span.startTime,
        endUs: span.startTime + span.duration,
        attributes: valuesOf(span.tags),
        events: span.logs.map(({ timestamp, fields }) => ({
          timeUs: timestamp,
          attributes: valuesOf(fields),
        })),
      };
    }),
  );
}

function valuesOf(tags: z.infer<typeof Tags>): Attributes {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}
