/**
 * The calls by which a template shows how it writes calls: their words occur nowhere else, so each can be found in what it
 * makes of them.
 */
export type ProbeCall = {
  readonly name: string;
  readonly arguments: Readonly<Record<string, string | number>>;
};

/** What all their words begin with. */
export const PROBE_WORD = "wordof";

/** Two texts and two numbers, by keys in the order of the alphabet, which some templates put them in. */
export const FULL: ProbeCall = {
  name: "wordoftool",
  arguments: {
    wordofkeya: "wordoftexta",
    wordofkeyb: "wordoftextb",
    wordofkeyc: 41237,
    wordofkeyd: 58913,
  },
};

/** What a text means to the template, seen by what it makes of quotes and line breaks. */
export const QUOTING: ProbeCall = {
  name: "wordoftool",
  arguments: { wordofkeya: 'wordof "quoted"\ntext' },
};

export const EMPTY: ProbeCall = { name: "wordofother", arguments: {} };

/** Each of these is the calls of one answer. */
export const PROBES = {
  full: [FULL],
  quoting: [QUOTING],
  empty: [EMPTY],
  two: [FULL, EMPTY],
} as const satisfies Readonly<Record<string, readonly ProbeCall[]>>;

/** For the template: the tools that are called. */
export const PROBE_TOOLS = [FULL, EMPTY].map(({ name, arguments: args }) => ({
  name,
  parameters: {
    type: "object",
    properties: Object.fromEntries(
      Object.entries(args).map(([key, value]) => [
        key,
        { type: typeof value === "string" ? "string" : "integer" },
      ]),
    ),
  },
}));

/** Ids of the calls, in the form that every family takes. */
export const PROBE_IDS = ["abcDEF123", "abcDEF456"] as const;

/** The answers that a template makes of the probes, from the end of the prompt to that of the turn; `two` where it can. */
export type WrittenProbes = { readonly [Probe in Exclude<keyof typeof PROBES, "two">]: string } & {
  readonly two?: string;
  /** What the turn of an answer without calls is: its beginning, some text, and its end. */
  readonly plain: string;
};
