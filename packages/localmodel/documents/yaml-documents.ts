/**
 * YAML text as the library's documents: bounded in number and depth, and read the same way everywhere.
 *
 * What is wrong inside a document is found later, by whoever asks for its value (yaml-value.ts).
 */
import { type Document, type LineCounter, parseAllDocuments } from "yaml";
import { TOO_DEEP } from "./yaml-mistakes.ts";

/** Bounds what one file can make us do; a repository of models has many files. */
const DOCUMENTS_PER_FILE_MAX = 1000;

/** The documents of the text, or one sentence why there are none. */
export function yamlDocuments(
  yaml: string,
  lineCounter: LineCounter,
): readonly Document[] | string {
  const parse = (): readonly Document[] =>
    parseAllDocuments(yaml, {
      lineCounter,
      // kubectl's parser knows `<<`, which YAML 1.2 itself has dropped.
      merge: true,
      // Its own check for repeated keys takes minutes for a hundred thousand; see repeatedKeys.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "error",
    });
  const documents = unlessTooDeep<readonly Document[] | string>(parse, TOO_DEEP);
  if (documents.length <= DOCUMENTS_PER_FILE_MAX || typeof documents === "string") return documents;
  return `must have at most ${DOCUMENTS_PER_FILE_MAX} documents; found ${documents.length}`;
}

/** The YAML library is recursive: some hundred levels of nesting exhaust the stack. */
export function unlessTooDeep<Result>(run: () => Result, otherwise: Result): Result {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) return otherwise;
    throw error;
  }
}
