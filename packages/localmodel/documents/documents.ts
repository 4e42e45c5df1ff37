/**
 * YAML text in, LocalModels and problems out.
 *
 * Every document is judged by itself: a bad one never takes the good ones beside it down.
 */
import { LineCounter } from "yaml";
import { judgeDocument, type ParsedModel, type SkippedDocument } from "./judge-document.ts";
import type { Problem } from "./problem.ts";
import { unlessTooDeep, yamlDocuments } from "./yaml-documents.ts";
import { TOO_DEEP } from "./yaml-mistakes.ts";

export type Documents = {
  readonly models: readonly ParsedModel[];
  readonly problems: readonly Problem[];
  readonly skipped: readonly SkippedDocument[];
};

export function parseDocuments(yaml: string, file: string): Documents {
  const lines = new LineCounter();
  const documents = yamlDocuments(yaml, lines);
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
