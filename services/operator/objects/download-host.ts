/** Which host a model's files are downloaded from: whom too many downloads at once would be too much for. */
import type { SingleSource } from "@localmodel/localmodel/resource/source-spec.ts";
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { candidatesOf, filesOf } from "./files.ts";

const HUGGING_FACE = "https://huggingface.co";

/**
 * Of the first of its files that is downloaded; undefined where none is. Mirrors count for nothing: they are only asked
 * where a source fails.
 */
export function downloadHost(
  model: Pick<Model, "spec">,
  { fetch }: Pick<Platform, "fetch">,
): string | undefined {
  return candidatesOf(filesOf(model))
    .filter(({ index }) => index === 0)
    .map(({ source }) => hostOf(source, fetch.environment["HF_ENDPOINT"] || HUGGING_FACE))
    .find((host) => host !== undefined);
}

/** Buckets of Amazon's are all of one host, as far as it matters here. */
function hostOf(source: SingleSource, huggingFace: string): string | undefined {
  switch (source.type) {
    case "huggingFace":
      return hostIn(huggingFace);
    case "http":
      return hostIn(source.url);
    case "s3":
      return hostIn(source.endpoint ?? `https://s3.${source.region}.amazonaws.com`);
    case "persistentVolumeClaim":
    case "image":
    case "file":
    case "pythonPackage":
      return undefined;
  }
}

/** An address that is none fails where it is asked. */
function hostIn(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
