/**
 * YAML text in, LocalModels and problems out.
 *
 * Every document is judged by itself: a bad one never takes the good ones beside it down.
 */
import { type Document, LineCounter, parseAllDocuments } from "yaml";
import { judgeDocument, type ParsedModel, type SkippedDocument } from "./judge-document.ts";
import type { Problem } from "./problem.ts";
import { TOO_DEEP } from "./yaml-mistakes.ts";

export type Documents = {
  readonly models: readonly ParsedModel[];
  readonly problems: readonly Problem[];
  readonly skipped: readonly SkippedDocument[];
};

/** Bounds what one file can make us do; a repository of models has many files. */
const DOCUMENTS_PER_FILE_MAX = 1000;

export function parseDocuments(yaml: string, file: string): Documents {
  const lines = new LineCounter();
  const documents = documentsOf(yaml, lines);
  if (typeof documents === "string") {
    return { models: [], problems: [{ file, message: documents }], skipped: [] };
  }
  const verdicts = documents.flatMap((document) =>
    unlessTooDeep(
      () => judgeDocument({ file, document, lines }),
      [{ type: "problems", problems: [{ file, message: TOO_DEEP }] }],
    ),
  );
  return {
    models: verdicts.flatMap((it) => (it.type === "model" ? [it.model] : [])),
    problems: verdicts.flatMap((it) => (it.type === "problems" ? it.problems : [])),
    skipped: verdicts.flatMap((it) => (it.type === "skipped" ? [it.skipped] : [])),
  };
}

/** The documents of the text, or one sentence why there are none. */
function documentsOf(yaml: string, lineCounter: LineCounter): readonly Document[] | string {
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
function unlessTooDeep<Result>(run: () => Result, otherwise: Result): Result {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) return otherwise;
    throw error;
  }
}
