/**
 * An event of the log for a person at a terminal.
 *
 * Prompts and answers keep their line breaks; every other control character is made visible, because what
 * somebody sent must not move the cursor of whoever reads it.
 */
import type { LogEvent } from "./read-log.ts";

type Input = {
  readonly prompts?: readonly string[];
  readonly promptTokens: number;
  readonly sampling: Readonly<Record<string, unknown>>;
  readonly stop: readonly string[];
  readonly maxTokens?: number;
};

type Output = {
  readonly choices: readonly { readonly text: string; readonly finishReason?: string }[];
  readonly usage?: { readonly completionTokens: number; readonly cachedTokens: number };
  readonly timings: Readonly<Record<string, number>>;
  readonly error?: { readonly message: string };
};

type EmbeddingInput = { readonly inputs: readonly (string | readonly number[])[] };

type EmbeddingOutput = Pick<Output, "timings" | "error"> & {
  readonly usage?: { readonly promptTokens: number };
  readonly dimensions?: number;
};

export function pretty(event: LogEvent): string {
  switch (event.type) {
    case "llm.prediction.input":
      return `${head(event, "received")}${input(event as unknown as Input)}\n`;
    case "llm.prediction.output":
      return `${head(event, "answered")}${output(event as unknown as Output)}\n`;
    case "llm.embedding.input":
      return `${head(event, "received")}${embeddingInput(event as unknown as EmbeddingInput)}\n`;
    case "llm.embedding.output":
      return `${head(event, "answered")}${embeddingOutput(event as unknown as EmbeddingOutput)}\n`;
    case "dropped":
      return `... ${shown(event["events"])} events were dropped: this reader is too slow\n\n`;
    case "refused":
      return `${shown(event["model"])}: ${shown(event["message"])}\n\n`;
    default:
      return `${shown(event["model"])}: ${shown(event.type)}\n\n`;
  }
}

function head({ time, model, key, requestId, path }: LogEvent, verb: string): string {
  const who = key === undefined ? "" : ` for ${shown(key)}`;
  const when = shown(time).slice(11, 23);
  return `--- ${when} ${shown(model)} ${verb} ${shown(path)}${who} (${shown(requestId)})\n`;
}

function input({ prompts = [], promptTokens, sampling, stop, maxTokens }: Input): string {
  const settings = { ...sampling, maxTokens, ...(stop.length > 0 && { stop }) };
  const pairs = Object.entries(settings)
    .filter(([, value]) => value !== undefined && !isEmpty(value))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${prompts.map(text).join("")}(${promptTokens} tokens; ${printable(pairs.join(" "))})\n`;
}

function output({ choices, usage, timings, error }: Output): string {
  const texts = choices.map((choice) => text(choice.text)).join("");
  const ends = choices.map(({ finishReason = "unfinished" }) => finishReason).join(", ");
  const counts =
    usage === undefined
      ? []
      : [`${usage.completionTokens} tokens`, `${usage.cachedTokens} of the prompt cached`];
  const times = Object.entries(timings).map(([name, value]) => `${name}=${value}`);
  const failure = error === undefined ? [] : [printable(error.message)];
  return `${texts}(${[...failure, ends, ...counts, times.join(" ")].filter((part) => part !== "").join("; ")})\n`;
}

/** Tokens stand as numbers where a client has sent them as such. */
function embeddingInput({ inputs }: EmbeddingInput): string {
  return inputs.map((one) => text(typeof one === "string" ? one : JSON.stringify(one))).join("");
}

function embeddingOutput({ usage, dimensions, timings, error }: EmbeddingOutput): string {
  const parts = [
    ...(error === undefined ? [] : [printable(error.message)]),
    ...(usage === undefined ? [] : [`${usage.promptTokens} tokens`, `${dimensions} dimensions`]),
    ...Object.entries(timings).map(([name, value]) => `${name}=${value}`),
  ];
  return `(${parts.join("; ")})\n`;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function text(value: string): string {
  const shownText = printable(value);
  return shownText.endsWith("\n") || shownText === "" ? shownText : `${shownText}\n`;
}

function shown(value: unknown): string {
  return printable(typeof value === "string" ? value : JSON.stringify(value ?? ""));
}

function printable(value: string): string {
  return value.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    character === "\n" ? "\n" : `\\u{${character.codePointAt(0)?.toString(16) ?? ""}}`,
  );
}
