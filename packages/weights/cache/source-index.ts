/**
 * Remembers which blob a source turned out to be, for sources that do not say it by a checksum, and
 * what the web said about it, by which it can be asked cheaply whether it still is (web/has-changed.ts).
 */
import type { SingleSource } from "@localmodel/localmodel/resource/source-spec.ts";
import { z } from "zod";
import type { CacheLayout } from "./cache-layout.ts";
import { readRecord, writeRecord } from "./record-file.ts";
import { identityOf } from "../source/source-identity.ts";

export const IndexRecord = z.strictObject({
  sha256: z.string(),
  sizeBytes: z.int().min(0),
  etag: z.string().exactOptional(),
  lastModified: z.string().exactOptional(),
});
export type IndexRecord = z.infer<typeof IndexRecord>;

export async function readIndex(
  cache: CacheLayout,
  source: SingleSource,
): Promise<IndexRecord | undefined> {
  return readRecord(cache.indexRecord(identityOf(source)), IndexRecord);
}

export async function writeIndex(
  cache: CacheLayout,
  source: SingleSource,
  record: IndexRecord,
): Promise<void> {
  await writeRecord(cache.indexRecord(identityOf(source)), record);
}
