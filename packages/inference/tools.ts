/**
 * Tools that a client offers to the model, after its dialect has understood them.
 *
 * Names are unique and made of letters, digits, `_`, `-` and `.`: they stand in prompts and in grammars as they are.
 */
type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type JsonSchema = { readonly [keyword: string]: Json };

export type Tool = {
  readonly name: string;
  readonly description?: string;
  /** Of the arguments, which are an object. */
  readonly parameters: JsonSchema;
  /** Where the client wrote the parameters: `tools[1].function.parameters`. */
  readonly field: string;
  /** Of what takes one text, `input`: what that has to be. */
  readonly inputGrammar?: LarkGrammar;
};

export type LarkGrammar = {
  readonly definition: string;
  /** Where the client wrote it. */
  readonly field: string;
};

export type ToolUse = {
  readonly tools: readonly Tool[];
  /** `auto`: calls or text, as the model decides. */
  readonly choice: "none" | "auto" | "required";
  /** Names of those that may be called. Absent: all. */
  readonly among?: readonly string[];
  /** Whether one answer may hold several calls. */
  readonly parallel: boolean;
};
