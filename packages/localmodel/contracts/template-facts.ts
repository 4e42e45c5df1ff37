/** What a chat template makes of a conversation, found by rendering some: see the model server's `template-facts.ts`. */
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
};
