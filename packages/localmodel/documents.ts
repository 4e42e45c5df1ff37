/**
 * YAML text in, LocalModels and problems out.
 *
 * Every document is judged by itself: a bad one never takes the good ones beside it down. Documents
 * of other kinds are skipped, since one file often carries a whole application for `kubectl apply`.
 */
import { type Document, LineCounter, parseAllDocuments } from "yaml";
import { explain } from "./explain.ts";
import { GROUP, KIND, LocalModel } from "./localmodel.ts";
import { fieldName, type Problem } from "./problem.ts";
import { repeatedKeys, syntaxMistakes, TOO_DEEP } from "./yaml-mistakes.ts";
import { type Position, positionOf } from "./yaml-position.ts";

export type ParsedModel = {
  /** `namespace/name`: tells objects apart, as in a cluster. */
  readonly key: string;
  readonly model: LocalModel;
  readonly file: string;
  readonly line: number;
};

/** A document of another kind. `kind` is empty when it does not say one. */
export type SkippedDocument = {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
};

export type Documents = {
  readonly models: readonly ParsedModel[];
  readonly problems: readonly Problem[];
  readonly skipped: readonly SkippedDocument[];
};

/** Bounds what one file can make us do; a repository of models has many files. */
const DOCUMENTS_PER_FILE_MAX = 1000;
const PROBLEMS_PER_DOCUMENT_MAX = 20;
/** Aliases (`*name`) multiply: a kilobyte of them can stand for gigabytes. */
const ALIASES_MAX = 100;

type Path = readonly PropertyKey[];
type Place = { readonly file: string; readonly document: Document; readonly lines: LineCounter };
/** A candidate for a LocalModel: a whole document, or an item of a List at `path`. */
type Candidate = { readonly value: unknown; readonly path: Path };
type Verdict =
  | { readonly type: "model"; readonly model: ParsedModel }
  | { readonly type: "skipped"; readonly skipped: SkippedDocument }
  | { readonly type: "problems"; readonly problems: readonly Problem[] };

export function parseDocuments(yaml: string, file: string): Documents {
  const lines = new LineCounter();
  const documents = documentsOf(yaml, lines);
  if (typeof documents === "string") {
    return { models: [], problems: [{ file, message: documents }], skipped: [] };
  }
  const verdicts = documents.flatMap((document) =>
    unlessTooDeep(
      () => judgeDocument({ file, document, lines }),
      [failed({ file, message: TOO_DEEP })],
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

function judgeDocument(place: Place): Verdict[] {
  const { document, file, lines } = place;
  const broken = syntaxMistakes(document);
  const mistakes = broken.length > 0 ? broken : repeatedKeys(document);
  if (mistakes.length > 0) {
    const problems = mistakes.slice(0, PROBLEMS_PER_DOCUMENT_MAX).map(({ offset, message }) => {
      const { line, col: column } = lines.linePos(offset);
      return { file, line, column, message };
    });
    return [{ type: "problems", problems }];
  }
  const value = plainValue(document);
  if (value instanceof Error) return [failed({ file, ...at(place, []), message: value.message })];
  if (value === null || value === undefined) return [];
  return itemsOf({ value, path: [] }).map((candidate) => judge(place, candidate));
}

function plainValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    if (error instanceof ReferenceError) {
      return new Error(`must use at most ${ALIASES_MAX} YAML aliases`);
    }
    throw error;
  }
}

/** `kubectl get -o yaml` wraps several objects in a List. */
function itemsOf(candidate: Candidate): Candidate[] {
  const { value, path } = candidate;
  if (!isMap(value) || !Array.isArray(value["items"])) return [candidate];
  if (value["kind"] !== "List" && value["kind"] !== `${KIND}List`) return [candidate];
  return value["items"].map((item: unknown, index) => ({
    value: item,
    path: [...path, "items", index],
  }));
}

function judge(place: Place, { value, path }: Candidate): Verdict {
  const { file } = place;
  const { line } = at(place, path);
  if (!isOurs(value)) return { type: "skipped", skipped: { file, line, kind: kindOf(value) } };

  const result = LocalModel.safeParse(value);
  if (result.success) {
    const { namespace = "default", name } = result.data.metadata;
    const key = `${namespace}/${name}`;
    return { type: "model", model: { key, model: result.data, file, line } };
  }
  const problems = explain(result.error.issues, value, PROBLEMS_PER_DOCUMENT_MAX)
    .map((it) => ({
      file,
      ...at(place, [...path, ...it.path], it.atKey),
      field: fieldName([...path, ...it.path]),
      message: it.message,
    }))
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
  return { type: "problems", problems };
}

/** Ours by group or by kind, so that a slip in one of the two is an error and not a silent skip. */
function isOurs(value: unknown): boolean {
  if (!isMap(value)) return false;
  const apiVersion = String(value["apiVersion"]);
  return (
    apiVersion === GROUP ||
    apiVersion.startsWith(`${GROUP}/`) ||
    kindOf(value).toLowerCase() === KIND.toLowerCase()
  );
}

function kindOf(value: unknown): string {
  return isMap(value) && typeof value["kind"] === "string" ? value["kind"] : "";
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function at(place: Place, path: Path, atKey = false): Position {
  return positionOf(place.document, place.lines, path, atKey);
}

function failed(problem: Problem): Verdict {
  return { type: "problems", problems: [problem] };
}
