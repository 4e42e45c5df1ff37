/**
 * What the text of an answer has to be, and what is put into it.
 *
 * The text meant here is what the tokens are called: a control token counts by its text (`[TOOL_CALLS]`), although it
 * writes nothing into the answer. The engine compiles the languages, off its loop and within bounds: one that cannot be
 * guaranteed, or is too large, is a refusal that names the `field`.
 */

export type Constraint = {
  /**
   * The beginning of every answer. It is evaluated like a prompt, and counted and told like what is generated. Texts of
   * control tokens in it become those tokens.
   */
  readonly prefix?: string;
  /** Texts that no answer contains: their last token is never chosen. */
  readonly banned?: readonly string[];
  readonly grammar?: GrammarConstraint;
  /** Ends what could go on for ever, such as reasoning. */
  readonly cutoff?: Cutoff;
};

type GrammarConstraint = {
  /** The answer ends where the language's text does, at the latest; `maxTokens`, a stop string or a full context end it earlier. */
  readonly language: Language;
  /** Absent: the language is that of the whole answer, with its prefix. */
  readonly begins?: Beginning;
  /**
   * Control tokens, by their texts, that may stand for their text where the language has it literally. While the grammar
   * holds no other is chosen.
   */
  readonly controlTexts?: readonly string[];
  /** While the grammar holds, a stop string is text like any other. */
  readonly ignoresStops?: boolean;
};

/** The grammar waits; until one of the markers has been produced, everything is allowed. */
type Beginning = {
  /** The marker that is complete first; of two complete at the same character, the first in this list. */
  readonly after: readonly Marker[];
  /** The answer does not end before the grammar has begun. */
  readonly isRequired?: boolean;
  /**
   * Wait only if the answer begins with this text, white space before it not counted (`<think>`, where a model may also
   * answer at once). If it begins otherwise, the grammar holds from the first character.
   */
  readonly opening?: string;
  /** Text in which no marker counts: what is thought before the answer. */
  readonly thoughts?: Thoughts;
};

export type Thoughts = {
  /** Any of these, white space before it not counted. */
  readonly begins: readonly string[];
  readonly end: string;
  /** The prompt has begun them. Otherwise there are some only where the answer begins with one of `begins`. */
  readonly areOpen: boolean;
};

type Marker = {
  readonly text: string;
  /** The language's text begins with the marker. Otherwise it begins behind it. */
  readonly isPartOfLanguage?: boolean;
};

/** If none of `markers` has been produced within so many tokens of the answer, `text` is put there. */
type Cutoff = {
  readonly tokens: number;
  readonly markers: readonly string[];
  readonly text: string;
};

/**
 * A set of texts. `field` is the path of the request's field that it came from, such as
 * `response_format.json_schema.schema`: what is refused is named by it and the place inside.
 */
export type Language =
  | { readonly kind: "schema"; readonly schema: unknown; readonly field: string }
  /** ECMAScript's syntax; the whole text is one match. */
  | { readonly kind: "regex"; readonly pattern: string; readonly field: string }
  | { readonly kind: "choice"; readonly texts: readonly string[]; readonly field: string }
  /** The rule `root` of GBNF. */
  | { readonly kind: "gbnf"; readonly text: string; readonly field: string }
  /** A JSON string, with its quotes, of a text of the rule `start` of a Lark grammar. */
  | { readonly kind: "larkString"; readonly text: string; readonly field: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "sequence"; readonly parts: readonly Language[] }
  | { readonly kind: "either"; readonly parts: readonly Language[] }
  /** `most` absent: as often as one likes. */
  | {
      readonly kind: "repeat";
      readonly part: Language;
      readonly between: Language;
      readonly least: number;
      readonly most?: number;
    };
