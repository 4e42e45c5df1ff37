/**
 * What the inside of a model's pod looks like: where its containers listen, and where files are.
 *
 * The init container `fetch` brings and checks the files and links them under fixed names; the container
 * `server` loads them from there. Files on volumes (claims, images) go the same way: to the fetcher they
 * are files of its machine. An `inspect` pod, which comes before all others of a model, reads the header of
 * the weights in the same surroundings. All are made by the operator from the model-server image, whose
 * entry point is node.
 */
import { posix } from "node:path";
import {
  type SingleSource,
  sourceCandidates,
  type WeightsSource,
} from "../resource/source-spec.ts";

export const FETCH_CONTAINER = "fetch";
export const SERVER_CONTAINER = "server";
export const INSPECT_CONTAINER = "inspect";

/** Arguments of each container. */
export const FETCH_ARGS = ["services/model-server/fetch.ts"] as const;
export const INSPECT_ARGS = ["services/model-server/inspect.ts"] as const;
export const SERVER_ARGS = ["services/model-server/main.ts"] as const;

/** The OpenAI interface, `/healthz` and `/readyz`. */
export const SERVER_PORT = 8080;
export const SERVER_PORT_NAME = "http";
/** `/metrics`, for those who scrape. */
export const METRICS_PORT = 9090;
export const METRICS_PORT_NAME = "metrics";
/** While the init container runs: `GET /progress`. */
export const FETCH_PORT = 8081;

/** The download cache: an emptyDir, or the claim of `spec.cache`. */
export const CACHE_FOLDER = "/var/cache/localmodel";
/** Beginnings of conversations that outlive the server: an emptyDir, or the claim of `engine.promptCacheDisk`. */
export const PROMPTS_FOLDER = "/var/lib/localmodel/prompts";
/** Code that the driver of NVIDIA's devices compiles: an emptyDir, or a folder of the claim of `spec.cache`. */
export const COMPILED_FOLDER = "/var/lib/localmodel/compiled";
/** Links to this LocalModel's own files in the cache; an emptyDir, read-only for the server. */
export const MODEL_FOLDER = "/var/lib/localmodel/model";
/** What the server compares with the files before each load: contracts/pinned-file.ts. */
export const PINNED_FILES_PATH = posix.join(MODEL_FOLDER, "pinned-files.json");
/** Where volumes with files that need no fetching are mounted, each in a folder of its own. */
const VOLUMES_FOLDER = "/var/lib/localmodel/volumes";
/** Where Secrets of sources are mounted, each in a folder of its own; missing ones are empty folders. */
export const SECRETS_FOLDER = "/var/run/secrets/localmodel";
export const TERMINATION_LOG_PATH = "/dev/termination-log";

/** Parts of a split GGUF find each other by their names, which must stay as they are. */
const SPLIT_NAME = /-\d{5}-of-\d{5}\.gguf$/;

/** What each file of a model is for; adapters have their numbers in the spec. */
export const WEIGHTS_ROLE = "weights";
export const PROJECTOR_ROLE = "projector";
export const DRAFT_ROLE = "draft";
export function adapterRole(index: number): string {
  return `adapter-${index}`;
}

/** Where the server finds a fetched file: `role` is "weights", "projector", "draft", "adapter-0" and so on. */
export function fetchedPath(role: string, source: WeightsSource): string {
  const [first] = sourceCandidates(source);
  const name = first === undefined ? "" : posix.basename(pathOf(first));
  const file = SPLIT_NAME.test(name) ? name : "model.gguf";
  return posix.join(MODEL_FOLDER, role, file);
}

/** Where the volume of one candidate (see `sourceCandidates`) of a file is mounted. */
export function volumeFolder(role: string, candidate: number): string {
  return posix.join(VOLUMES_FOLDER, `${role}-${candidate}`);
}

/**
 * Where the Secret of one candidate of a file is mounted. A token is in the file `token`; each other
 * Secret has its own keys: names of request headers, or `AWS_ACCESS_KEY_ID` and so on.
 */
export function secretFolder(role: string, candidate: number): string {
  return posix.join(SECRETS_FOLDER, `${role}-${candidate}`);
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
