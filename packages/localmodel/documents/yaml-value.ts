/**
 * One YAML document as plain data, or why two parsers would not agree on what it is.
 */
import type { Document, LineCounter } from "yaml";
import type { Problem } from "./problem.ts";
import { repeatedKeys, syntaxMistakes } from "./yaml-mistakes.ts";
import { positionOf } from "./yaml-position.ts";

/** A document, and what it takes to say where in it something stands. */
export type Place = {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
};

type DocumentValue = { readonly value: unknown } | { readonly problems: readonly Problem[] };

export const PROBLEMS_PER_DOCUMENT_MAX = 20;
/** Aliases (`*name`) multiply: a kilobyte of them can stand for gigabytes. */
const ALIASES_MAX = 100;

/** Throws RangeError for a document nested so deeply that walking it exhausts the stack. */
export function documentValue({ document, file, lines }: Place): DocumentValue {
  const broken = syntaxMistakes(document);
  const mistakes = broken.length > 0 ? broken : repeatedKeys(document);
  if (mistakes.length > 0) {
    const problems = mistakes.slice(0, PROBLEMS_PER_DOCUMENT_MAX).map(({ offset, message }) => {
      const { line, col: column } = lines.linePos(offset);
      return { file, line, column, message };
    });
    return { problems };
  }
  const value = plainValue(document);
  if (!(value instanceof Error)) return { value };
  const position = positionOf(document, lines, [], false);
  return { problems: [{ file, ...position, message: value.message }] };
}

function plainValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    if (!(error instanceof Error) || error instanceof RangeError) throw error;
    // What the library only notices now: aliases of nothing, merge keys of something else than maps.
    const isBomb = error.message.startsWith("Excessive alias count");
    return new Error(
      isBomb
        ? `must use at most ${ALIASES_MAX} YAML aliases`
        : `is not valid YAML: ${error.message}`,
    );
  }
}
