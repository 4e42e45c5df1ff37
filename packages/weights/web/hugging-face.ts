/**
 * Hugging Face's conventions: where a file is, whose token is used, and when the Hub may not be asked.
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { SingleSource } from "@localmodel/localmodel/resource/source-spec.ts";

type HuggingFaceSource = Extract<SingleSource, { type: "huggingFace" }>;

const DEFAULT_ENDPOINT = "https://huggingface.co";

export function huggingFaceUrl(source: HuggingFaceSource, environment: NodeJS.ProcessEnv): string {
  const endpoint = (environment["HF_ENDPOINT"] || DEFAULT_ENDPOINT).replace(/\/+$/, "");
  // A revision may contain slashes ("refs/pr/1") and is one path segment; a file is as many as it has.
  const revision = encodeURIComponent(source.revision);
  const file = source.file.split("/").map(encodeURIComponent).join("/");
  return `${endpoint}/${source.repo}/resolve/${revision}/${file}`;
}

/** The token the Hub's own tools would use: a variable, else the file `hf auth login` writes. */
export async function huggingFaceToken(
  environment: NodeJS.ProcessEnv,
  home: string = homedir(),
): Promise<string | undefined> {
  if (isSet(environment["HF_HUB_DISABLE_IMPLICIT_TOKEN"])) return undefined;
  const direct =
    environment["HF_TOKEN"]?.trim() || environment["HUGGING_FACE_HUB_TOKEN"]?.trim() || undefined;
  if (direct !== undefined) return direct;
  try {
    return (await readFile(tokenPath(environment, home), "utf8")).trim() || undefined;
  } catch {
    return undefined; // No file, no token: most models need none.
  }
}

/** HF_HUB_OFFLINE: nothing may be asked of the Hub; what is in the cache still works. */
export function isHubOffline(environment: NodeJS.ProcessEnv): boolean {
  return isSet(environment["HF_HUB_OFFLINE"]);
}

function tokenPath(environment: NodeJS.ProcessEnv, home: string): string {
  const own = environment["HF_TOKEN_PATH"];
  if (own) return own;
  const cache = environment["XDG_CACHE_HOME"] || join(home, ".cache");
  return join(environment["HF_HOME"] || join(cache, "huggingface"), "token");
}

/** The Hub's tools take these as true, in any case. */
function isSet(value: string | undefined): boolean {
  return ["1", "on", "yes", "true"].includes(value?.toLowerCase() ?? "");
}
