/**
 * `spec.source`: where the bytes of a file come from. Projector, draft model and adapters use the
 * same type.
 *
 * Exactly one kind of source is set. It is written as exclusive optional fields, not as a union,
 * because a Kubernetes structural schema has no unions: the rule is a refinement here and a CEL rule
 * in the CRD. `sourceCandidates` turns it into a real union for code that fetches.
 */
import { z } from "zod";
import {
  FileSource,
  HttpSource,
  HuggingFaceSource,
  ImageSource,
  PersistentVolumeClaimSource,
  PythonPackageSource,
  S3Source,
} from "./source-kinds.ts";
import { textLike } from "./text.ts";

/** Every kind of source by the name of its field: the one list all rules below are made from. */
const sourceKinds = {
  huggingFace: HuggingFaceSource.exactOptional(),
  http: HttpSource.exactOptional(),
  s3: S3Source.exactOptional(),
  persistentVolumeClaim: PersistentVolumeClaimSource.exactOptional(),
  image: ImageSource.exactOptional(),
  file: FileSource.exactOptional(),
  pythonPackage: PythonPackageSource.exactOptional(),
};

type SourceType = keyof typeof sourceKinds;
export const SOURCE_TYPES = Object.keys(sourceKinds) as readonly SourceType[];

const EXACTLY_ONE = `must set exactly one of ${SOURCE_TYPES.join(", ")}`;

function exactlyOneKind(payload: z.core.ParsePayload<Partial<Record<SourceType, unknown>>>): void {
  const found = SOURCE_TYPES.filter((type) => payload.value[type] !== undefined);
  if (found.length === 1) return;
  payload.issues.push({
    code: "custom",
    message: `${EXACTLY_ONE}; found ${found.length === 0 ? "none" : found.join(" and ")}`,
    input: payload.value,
  });
}

const exactlyOneRule = {
  rule: `[${SOURCE_TYPES.map((type) => `has(self.${type})`).join(", ")}].filter(set, set).size() == 1`,
  message: EXACTLY_ONE,
};

export const MirrorSpec = z
  .strictObject(sourceKinds)
  .check(exactlyOneKind)
  .meta({ "x-kubernetes-validations": [exactlyOneRule] });
export type MirrorSpec = z.infer<typeof MirrorSpec>;

const MIRRORS_NEED_SHA256 =
  "mirrors must come with sha256: without it nothing tells that a mirror has the same bytes";
const FIRST_PART_TWICE = "sha256 must be the first of partsSha256, where both are given";
const PARTS_MAX = 1000;

const Sha256 = textLike(64, /^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits");

/** The fields of a source, for objects that are a source and something more (adapters). */
export const sourceFields = {
  ...sourceKinds,
  sha256: Sha256.exactOptional().describe(
    "SHA-256 of the file. A file that differs is never loaded. Of a split GGUF it is that of the first part alone: see `partsSha256`.",
  ),
  partsSha256: z
    .array(Sha256)
    .min(1)
    .max(PARTS_MAX)
    .exactOptional()
    .describe(
      "SHA-256 of every part of a split GGUF, in order: as many as its name says. Takes the place of `sha256`.",
    )
    .meta({ "x-kubernetes-list-type": "atomic" }),
  mirrors: z
    .array(MirrorSpec)
    .max(8)
    .exactOptional()
    .describe(
      "Further sources of the same bytes, tried in order. Only together with `sha256` or `partsSha256`; parts without a checksum come from the source itself.",
    )
    .meta({ "x-kubernetes-list-type": "atomic" }),
};

type SourceFields = Partial<Record<SourceType, unknown>> & {
  sha256?: string;
  partsSha256?: readonly string[];
  mirrors?: readonly unknown[];
};

/** What holds between the fields of a source; for `.check()`. */
export function checkSource(payload: z.core.ParsePayload<SourceFields>): void {
  exactlyOneKind(payload);
  const { mirrors, sha256, partsSha256 } = payload.value;
  if (sha256 !== undefined && partsSha256 !== undefined && partsSha256[0] !== sha256) {
    const path = ["partsSha256"];
    payload.issues.push({ code: "custom", path, message: FIRST_PART_TWICE, input: partsSha256 });
  }
  if (mirrors === undefined || mirrors.length === 0) return;
  if (sha256 !== undefined || partsSha256 !== undefined) return;
  payload.issues.push({
    code: "custom",
    path: ["mirrors"],
    message: MIRRORS_NEED_SHA256,
    input: mirrors,
  });
}

/** The same rules as `checkSource`, as CEL for the CRD. */
export const sourceRules = [
  exactlyOneRule,
  {
    rule: "!has(self.mirrors) || size(self.mirrors) == 0 || has(self.sha256) || has(self.partsSha256)",
    message: MIRRORS_NEED_SHA256,
  },
  {
    rule: "!has(self.sha256) || !has(self.partsSha256) || self.partsSha256[0] == self.sha256",
    message: FIRST_PART_TWICE,
  },
];

export const SourceSpec = z
  .strictObject(sourceFields)
  .check(checkSource)
  .meta({ "x-kubernetes-validations": sourceRules });
export type SourceSpec = z.infer<typeof SourceSpec>;
/** A parsed source with its mirrors and checksum: what packages/weights is given. */
export type WeightsSource = SourceSpec;

type SourceKinds = Required<{ [Type in SourceType]: NonNullable<SourceSpec[Type]> }>;

/** One place to fetch from, told apart by `type`. */
export type SingleSource = {
  [Type in SourceType]: { readonly type: Type } & Readonly<SourceKinds[Type]>;
}[SourceType];

/** Where to look for the bytes, in order: the primary source, then the mirrors. */
export function sourceCandidates(source: WeightsSource): SingleSource[] {
  return [source, ...(source.mirrors ?? [])].flatMap(kindsOf);
}

/** The kinds set in `fields`: exactly one once the schema has accepted it. */
function kindsOf(fields: MirrorSpec): SingleSource[] {
  return SOURCE_TYPES.flatMap((type) => {
    const value = fields[type];
    return value === undefined ? [] : [{ type, ...value } as SingleSource];
  });
}
