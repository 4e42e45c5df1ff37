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

/** The fields of a source, for objects that are a source and something more (adapters). */
export const sourceFields = {
  ...sourceKinds,
  sha256: textLike(64, /^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits")
    .exactOptional()
    .describe(
      "SHA-256 of the file (of a split GGUF: of its first part). A download that differs is never used.",
    ),
  mirrors: z
    .array(MirrorSpec)
    .max(8)
    .exactOptional()
    .describe("Further sources of the same bytes, tried in order. Only together with `sha256`.")
    .meta({ "x-kubernetes-list-type": "atomic" }),
};

type SourceFields = Partial<Record<SourceType, unknown>> & {
  sha256?: string;
  mirrors?: readonly unknown[];
};

/** What holds between the fields of a source; for `.check()`. */
export function checkSource(payload: z.core.ParsePayload<SourceFields>): void {
  exactlyOneKind(payload);
  const { mirrors, sha256 } = payload.value;
  if (mirrors === undefined || mirrors.length === 0 || sha256 !== undefined) return;
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
    rule: "!has(self.mirrors) || size(self.mirrors) == 0 || has(self.sha256)",
    message: MIRRORS_NEED_SHA256,
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
