/**
 * How a cache is cleaned, between the operator and the pods on its claim.
 *
 * Only the operator knows who may use a claim: it tells the pod that fills it what has to stay. Only a pod knows which files
 * its sources turned out to be: it leaves their names in the termination message of its container `fetch`.
 */
import { z } from "zod";
import { SourceSpec } from "../resource/source-spec.ts";

/** For the pod that fills a cache: JSON. */
export const CLEANING_VARIABLE = "CACHE_CLEANING";

export const DAY_MS = 24 * 60 * 60 * 1000;
/** For how long what is told holds, and how often it is told anew. */
export const CLEANING_PERIOD_MS = DAY_MS;

/** What Kubernetes keeps of a message. */
const MAX_BYTES = 4096;

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const CacheCleaning = z.strictObject({
  decidedAtMs: z.int().min(0).describe("Unix time. What is wanted since then is not in here."),
  keepBlobs: z.array(Sha256).describe("SHA-256 of files that pods use."),
  keepSources: z.array(SourceSpec).describe("Sources of LocalModels on the claim."),
  maxAgeDays: z.int().min(1).exactOptional(),
  maxBytes: z.number().min(0).exactOptional(),
});
export type CacheCleaning = z.infer<typeof CacheCleaning>;
export type CacheCleaningInput = z.input<typeof CacheCleaning>;

const Fetched = z.object({ blobs: z.array(Sha256) });

/** Undefined where there are more than a message can hold. */
export function fetchedMessage(blobs: readonly string[]): string | undefined {
  const text = JSON.stringify({ blobs });
  return Buffer.byteLength(text) <= MAX_BYTES ? text : undefined;
}

/** Undefined for a container that has not said it, such as one of a version before. */
export function parseFetched(text: string | undefined): readonly string[] | undefined {
  try {
    return Fetched.parse(JSON.parse(text ?? "")).blobs;
  } catch {
    return undefined;
  }
}
