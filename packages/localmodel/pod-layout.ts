/**
 * What the inside of a model's pod looks like: where its two containers listen, and where files are.
 *
 * The init container `fetch` brings the files and links them under fixed names; the container `server`
 * loads them from there. Both are made by the operator, and both come from the model-server image.
 */
import { posix } from "node:path";
import { type SingleSource, sourceCandidates, type WeightsSource } from "./source-spec.ts";

export const FETCH_CONTAINER = "fetch";
export const SERVER_CONTAINER = "server";

/** The OpenAI interface, `/healthz` and `/readyz`. */
export const SERVER_PORT = 8080;
export const SERVER_PORT_NAME = "http";
/** While the init container runs: `GET /progress`. */
export const FETCH_PORT = 8081;

/** The download cache: an emptyDir, or the claim of `spec.cache`. */
export const CACHE_FOLDER = "/var/cache/localmodel";
/** Links to this LocalModel's own files in the cache; an emptyDir, read-only for the server. */
export const MODEL_FOLDER = "/var/lib/localmodel/model";
/** Where volumes with files that need no fetching are mounted, each in a folder of its own. */
export const VOLUMES_FOLDER = "/var/lib/localmodel/volumes";
export const TERMINATION_LOG_PATH = "/dev/termination-log";

/** Parts of a split GGUF find each other by their names, which must stay as they are. */
const SPLIT_NAME = /-\d{5}-of-\d{5}\.gguf$/;

/** Where the server finds a fetched file: `role` is "weights", "adapter-0" and so on. */
export function fetchedPath(role: string, source: WeightsSource): string {
  const [first] = sourceCandidates(source);
  const name = first === undefined ? "" : posix.basename(pathOf(first));
  const file = SPLIT_NAME.test(name) ? name : "model.gguf";
  return posix.join(MODEL_FOLDER, role, file);
}

function pathOf(source: SingleSource): string {
  switch (source.type) {
    case "huggingFace":
      return source.file;
    case "http":
      return new URL(source.url).pathname;
    case "s3":
      return source.key;
    case "persistentVolumeClaim":
    case "image":
    case "file":
    case "pythonPackage":
      return source.path;
  }
}
