/** Reading: what a prompt is to the model, in tokens or as a text, without evaluating any of it. */
import type { GenerateAsk } from "./asks.ts";
import type { AcceptedEvent, DoneEvent, Reports } from "./events.ts";
import type { Prompt } from "./generate.ts";
import type { ImageInput } from "./image-input.ts";
import type { SoundInput } from "./sound-input.ts";
import type { ToolUse } from "./tools.ts";

export type TokenizeAsk = {
  /** One. */
  readonly prompts: readonly [Prompt];
  /** What becomes its pictures. */
  readonly images?: readonly ImageInput[];
  readonly sounds?: readonly SoundInput[];
  readonly toolUse?: ToolUse;
  /** A conversation as its template writes it, tokens as the text that they stand for. */
  readonly gives: "tokens" | "text";
  /** Of a text. Absent: as a prompt is read. */
  readonly special?: {
    /** The tokens that the model wants around a text are added. */
    readonly adds: boolean;
    /** Texts of control tokens become those tokens. */
    readonly parses: boolean;
  };
  /** Texts and tokens behind it, each read apart from what is before it. */
  readonly following?: readonly (string | readonly number[])[];
  /** Also tell what each token writes. */
  readonly givesPieces?: boolean;
};

/** The first prompt of what could be generated, read as it would be then. */
export function readingOf({ prompts, images, sounds, toolUse }: GenerateAsk): TokenizeAsk {
  const [prompt] = prompts;
  if (prompt === undefined) throw new Error("There is no prompt to read.");
  return {
    prompts: [prompt],
    gives: "tokens",
    ...(images !== undefined && { images }),
    ...(sounds !== undefined && { sounds }),
    ...(toolUse !== undefined && { toolUse }),
  };
}

export type TokenizeRequest = Reports & Omit<TokenizeAsk, "toolUse" | "images" | "sounds">;

/** Stands for a row of a picture or a sound, which no token is; llama.cpp has the same number for it. It writes nothing. */
export const MEDIUM_TOKEN = -1;

/** Bytes where they are no whole characters. */
export type WrittenToken = string | readonly number[];

export type TokenizeEvent =
  | AcceptedEvent
  | {
      readonly type: "tokens";
      /** MEDIUM_TOKEN where they are rows. */
      readonly tokens: readonly number[];
      readonly pieces?: readonly WrittenToken[];
      /** Of the model's context: how many tokens a prompt and its answer may have. */
      readonly contextTokens: number;
    }
  | { readonly type: "text"; readonly text: string }
  | DoneEvent;
