/** What the events of all operations have in common: when they happened, and what a request has cost. */

/** When something happened at the engine, in milliseconds since 1970; only with `reportsTimes`. */
export type Timed = { readonly atMs?: number };

/** Valid, and waiting for its turn. The first event of every operation. */
export type AcceptedEvent = Timed & {
  readonly type: "accepted";
  readonly promptTokens: number;
  /** Of them: what was heard. Absent: nothing was. */
  readonly audioTokens?: number;
  /** Only with `reportsPrompts`: each as the model reads it, templated and with its control tokens. */
  readonly prompts?: readonly string[];
  /** Only with `reportsTimes`. */
  readonly engine?: EngineTimes;
};

export type EngineTimes = {
  /** When the request reached the engine. */
  readonly receivedMs: number;
  /** When it began to look at what the prompt shows. Absent: it shows nothing. */
  readonly lookingMs?: number;
  readonly processId: number;
};

/** The last event of every operation. */
export type DoneEvent = Timed & { readonly type: "done"; readonly usage: Usage };

export type Usage = {
  /** Once per prompt, however many choices it has. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Tokens of the prompt that needed no evaluation. */
  readonly cachedTokens: number;
  /** Of the prompt: what was heard. Absent: nothing was. */
  readonly audioTokens?: number;
  /** Tokens that were guessed and evaluated ahead of their choice, and how many of them came. Absent: none. */
  readonly draftedTokens?: number;
  readonly acceptedTokens?: number;
  /** Of the completion: what was thought, with its tags. Absent: the model was not read for it. */
  readonly reasoningTokens?: number;
};

/** What the engine is to report beside what the client needs. */
export type Reports = {
  /** Tell what the prompts have become: see `accepted`. */
  readonly reportsPrompts?: boolean;
  /** Tell when things happened: `atMs` of events. */
  readonly reportsTimes?: boolean;
};
