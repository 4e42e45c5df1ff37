/**
 * Names for sources: one by which the cache finds them again, one for people.
 */
import type { SingleSource } from "@localmodel/localmodel/resource/source-spec.ts";
import { publicUrl } from "./redact.ts";

/** Equal for two sources exactly when they name the same file. May contain secrets: store its hash. */
export function identityOf(source: SingleSource): string {
  switch (source.type) {
    case "huggingFace":
      // Without the endpoint: a mirror of the Hub has the same files.
      return `huggingFace ${source.repo}@${source.revision}/${source.file}`;
    case "http":
      return `http ${source.url}`;
    case "s3":
      return `s3 ${source.endpoint ?? source.region} ${source.bucket}/${source.key}`;
    case "persistentVolumeClaim":
      return `persistentVolumeClaim ${source.claimName}/${source.path}`;
    case "image":
      return `image ${source.reference} ${source.path}`;
    case "file":
      return `file ${source.path}`;
    case "pythonPackage":
    default:
      return `pythonPackage ${source.name}==${source.version}/${source.path}`;
  }
}

/** The source in a message. */
export function describeSource(source: SingleSource): string {
  return source.type === "http" ? `http ${publicUrl(source.url)}` : identityOf(source);
}

/** Whether the source names the same bytes for ever, so that a cached file needs no second look. */
export function isImmutable(source: SingleSource): boolean {
  if (source.type === "huggingFace") return /^[0-9a-f]{40}$/.test(source.revision);
  return source.type === "pythonPackage";
}
