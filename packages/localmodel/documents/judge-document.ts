/**
 * One YAML document, judged: LocalModels, problems, or none of our business.
 *
 * Documents of other kinds are skipped, since one file often carries a whole application for
 * `kubectl apply`.
 */
import { explain } from "./explain.ts";
import { LOCAL_MODEL_FIELDS } from "./known-fields.ts";
import { CLASS_KIND } from "../resource/class-spec.ts";
import { GROUP, KIND, LocalModel } from "../resource/localmodel.ts";
import { fieldName, type Problem } from "./problem.ts";
import { withoutNulls } from "./without-nulls.ts";
import { type Position, positionOf } from "./yaml-position.ts";
import { documentValue, type Place, PROBLEMS_PER_DOCUMENT_MAX } from "./yaml-value.ts";

export type ParsedModel = {
  /** `namespace/name`: tells objects apart, as in a cluster. */
  readonly key: string;
  readonly model: LocalModel;
  readonly file: string;
  readonly line: number;
  /** Whether it says itself how many replicas there are to be. */
  readonly saysReplicas?: boolean;
  /** Whether its file was found in a folder, and not named. */
  readonly inFolder?: boolean;
};

/** A document of another kind. `kind` is empty when it does not say one. */
export type SkippedDocument = {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
};

type Verdict =
  | { readonly type: "model"; readonly model: ParsedModel }
  | { readonly type: "skipped"; readonly skipped: SkippedDocument }
  | { readonly type: "problems"; readonly problems: readonly Problem[] };

type Path = readonly PropertyKey[];
/** A candidate for a LocalModel: a whole document, or an item of a List at `path`. */
type Candidate = { readonly value: unknown; readonly path: Path };

/** Throws RangeError for a document nested so deeply that walking it exhausts the stack. */
export function judgeDocument(place: Place): Verdict[] {
  const read = documentValue(place);
  if ("problems" in read) return [{ type: "problems", problems: read.problems }];
  const { value } = read;
  if (value === null || value === undefined) return [];
  return itemsOf({ value, path: [] }).map((candidate) => judge(place, candidate));
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

function judge(place: Place, { value: written, path }: Candidate): Verdict {
  const { file } = place;
  const { line } = at(place, path);
  if (!isOurs(written)) return { type: "skipped", skipped: { file, line, kind: kindOf(written) } };

  const value = withoutNulls(written);
  const result = LocalModel.safeParse(value);
  if (result.success) {
    const { namespace = "default", name } = result.data.metadata;
    const key = `${namespace}/${name}`;
    const model = { key, model: result.data, file, line };
    return { type: "model", model: saysReplicas(value) ? { ...model, saysReplicas: true } : model };
  }
  const problems = explain(
    result.error.issues,
    { document: value, fields: LOCAL_MODEL_FIELDS },
    PROBLEMS_PER_DOCUMENT_MAX,
  )
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
  // Says what a platform gives its models, which means nothing outside of a cluster.
  if (kindOf(value) === CLASS_KIND) return false;
  const { apiVersion } = value;
  const isOurGroup = typeof apiVersion === "string" && apiVersion.split("/")[0] === GROUP;
  return isOurGroup || kindOf(value).toLowerCase() === KIND.toLowerCase();
}

function saysReplicas(value: unknown): boolean {
  return isMap(value) && isMap(value["spec"]) && value["spec"]["replicas"] !== undefined;
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
