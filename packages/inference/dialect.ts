/**
 * A dialect: how one family of APIs words what happens. Everything between the wire and the engine is the same for all;
 * failures and the frames of a stream are rendered only here.
 */
import type { Failure } from "./failure.ts";

/** Under which names the logs and the traces have a request. */
export type RequestNames = { readonly requestId?: string; readonly traceId?: string };

export type FailureContext = {
  readonly names: RequestNames;
  /** What the endpoint calls the field that holds the prompt. */
  readonly promptField?: string;
};

/** What a key has left of one of its limits, and when it has all of it again if it asks for nothing more. */
export type LimitLeft = {
  readonly what: "requests" | "tokens";
  readonly limit: number;
  readonly remaining: number;
  readonly fullInMs: number;
};

type FailureAnswer = {
  readonly status: number;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
};

/** One event of a stream before it is bytes. */
export type Frame = {
  /** Where the dialect gives its events names. */
  readonly event?: string;
  readonly data: object;
};

export type StreamForm = {
  readonly contentType: string;
  /** What ends an event: an empty line, as in server-sent events, or the end of its line. Default: an empty line. */
  readonly framing?: "lines";
  /** What clients skip, and proxies and their idle timers do not. */
  comment(text: string): string;
  /** One string, to be written at once: some clients forget an event that arrives in two reads. */
  frame(frame: Frame): string;
  /** What follows the last event of a complete answer. */
  readonly end: string;
  /** What only the last event of a complete answer has in it, where nothing follows that one. */
  readonly last?: string;
  /**
   * How a stream ends that broke, or was refused after it had begun: `body` is that of a failure's answer, `sentFrames`
   * how many frames came before.
   */
  failed(body: object, sentFrames: number): string;
  /** Events are numbered, so whoever passes a stream on has to count them. */
  readonly numbersFrames?: true;
};

export type Dialect = {
  readonly name: string;
  /** Of every answer, whatever becomes of it; in lower case. */
  headers?(names: RequestNames): Readonly<Record<string, string>>;
  /** How its clients are told what their key has left, beside OpenAI's headers; in lower case. */
  limitHeaders?(left: LimitLeft, now: Date): Readonly<Record<string, string>>;
  /** Which of them says how many milliseconds passed until an answer began. */
  readonly timeHeader?: string;
  failure(failure: Failure, context: FailureContext): FailureAnswer;
  readonly stream: StreamForm;
};
