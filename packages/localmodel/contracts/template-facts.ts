/** What a chat template makes of a conversation, found by rendering some: see the model server's `template-facts.ts`. */
import type { ReasoningFormat } from "@localmodel/inference/reasoning-text.ts";

export type TemplateFacts = {
  /** It says what a system message says. */
  readonly takesSystem: boolean;
  /** Content of a message may be a list of parts, and must be where text is not taken. */
  readonly takesText: boolean;
  readonly takesParts: boolean;
  /** It says which tools there are. */
  readonly takesTools: boolean;
  /** It says which calls the model has made, and what came of them. */
  readonly takesToolCalls: boolean;
  readonly takesToolResults: boolean;
  /** How it wants the arguments of calls: where it takes both, as text, which is then what the model wrote. */
  readonly argumentsAs: "object" | "text";
  /** What a message that only calls says: some templates want nothing, others a text without letters. */
  readonly callContent: "null" | "empty";
  /** Ids of calls must be nine letters and digits. */
  readonly needsShortCallIds: boolean;
  /** Absent: the template knows of no reasoning. */
  readonly reasoning?: ReasoningFacts;
};

/** How a model writes what it thinks before it answers, and how its template lets it. */
export type ReasoningFacts = ReasoningFormat & {
  /** What the answer itself always comes behind, where there was reasoning. */
  readonly answerMark: string;
  /** What is written to end reasoning: its end, and what leads to the answer. */
  readonly closing: string;
  /** What is written to answer without reasoning where the template is told so and does not do it. Empty: it does. */
  readonly offPrefix: string;
  /** Whether the prompt ends inside of reasoning, by what the template is told of it. */
  readonly opens: Readonly<Record<ThinkingMode, boolean>>;
  /** Some of its texts are control tokens, which write nothing into an answer. */
  readonly inControlTokens: boolean;
  /** The field of earlier messages in which the template looks for what the model thought. */
  readonly field: ReasoningField;
};

/** What a request tells the template: nothing, to think, not to think, or how much. */
export type ThinkingMode = "default" | "on" | "off" | "effort";

export type ReasoningField = "reasoning_content" | "thinking" | "reasoning";
