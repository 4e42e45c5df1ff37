/**
 * What a client has asked for, after its dialect has understood it and before anybody has looked at the model: what was
 * left out is still missing here.
 */
import type { Constraint } from "./constraint.ts";
import type { Truncation } from "./embed.ts";
import type { Prompt, Sampling } from "./generate.ts";
import type { ImageInput } from "./image-input.ts";
import type { SoundInput } from "./sound-input.ts";
import type { ToolUse } from "./tools.ts";

export type GenerateAsk = {
  readonly prompts: readonly Prompt[];
  /** What becomes the pictures of its only prompt, in the order of the conversation. Absent: there are none. */
  readonly images?: readonly ImageInput[];
  /** And its sounds. */
  readonly sounds?: readonly SoundInput[];
  readonly choicesPerPrompt: number;
  readonly length: {
    /** -1: as long as the context allows. */
    readonly most?: number | undefined;
    readonly least?: number | undefined;
    /** The endpoint's own limit, where neither the client nor the model has one. */
    readonly otherwise?: number;
  };
  readonly sampling: { readonly [Option in keyof Sampling]?: Sampling[Option] | undefined };
  readonly stop: readonly string[];
  /** Absent: no logprobs. 0: of the chosen token only. */
  readonly topLogprobs?: number;
  readonly echo: boolean;
  readonly ignoreEos: boolean;
  readonly usesPromptCache?: false;
  readonly constraint?: Constraint;
  readonly toolUse?: ToolUse;
  /** Reasoning is ended after so many tokens. Absent: when the model ends it. */
  readonly reasoningTokens?: number;
};

export type EmbedAsk = {
  readonly inputs: readonly (string | readonly number[])[];
  /** Of each vector. Absent: all that the model makes. */
  readonly dimensions?: number | undefined;
  /** Absent: an input that is too long is refused. */
  readonly truncation?: Truncation | undefined;
};
