/**
 * What the headers of weights say, without fetching the weights.
 *
 * Sources are asked in their order, as for a fetch, and each only once: an answer takes seconds, and whoever
 * asks is told at once what is wrong. Of a split GGUF the header of every part is read, since each describes
 * its own tensors.
 */
import type { WeightsSource } from "@localmodel/localmodel/resource/source-spec.ts";
import { type Candidate, candidatesOf } from "./source/candidate.ts";
import { ownCredentials } from "./own-credentials.ts";
import type { CredentialsFor } from "./source/credentials.ts";
import { partChecksums } from "./fetch-parts.ts";
import { requireGguf } from "./gguf/gguf-check.ts";
import type { InspectedWeights } from "./gguf/inspection-of.ts";
import { fileNameOf, sourcesOfParts } from "./gguf/split-names.ts";
import { statReadable } from "./local-file.ts";
import { describeSource } from "./source/source-identity.ts";
import { allSourcesFailed, type SourceAttempt, WeightsError } from "./source/weights-error.ts";
import { type InspectedFile, inspectRemote, type InspectionSession } from "./web/inspect-remote.ts";
import { WebClient } from "./http/web-client.ts";
import { isWebSource } from "./web/web-location.ts";

type InspectOptions = {
  readonly environment?: NodeJS.ProcessEnv;
  readonly credentialsFor?: CredentialsFor;
  readonly signal?: AbortSignal;
  /** As for a fetch. */
  readonly sourceHosts?: readonly string[];
  /** Longest wait for a next byte. */
  readonly stallTimeoutMs?: number;
};

const STALL_TIMEOUT_MS = 20_000;
const QUESTIONS_AT_ONCE = 8;

export async function inspectWeights(
  source: WeightsSource,
  options: InspectOptions = {},
): Promise<InspectedWeights> {
  const environment = options.environment ?? process.env;
  await using web = new WebClient(environment);
  const session: InspectionSession = {
    environment,
    credentialsFor: options.credentialsFor ?? ownCredentials(environment),
    web,
    ...(options.sourceHosts !== undefined && { sourceHosts: options.sourceHosts }),
    signal: options.signal ?? new AbortController().signal,
    stallTimeoutMs: options.stallTimeoutMs ?? STALL_TIMEOUT_MS,
  };
  const attempts: SourceAttempt[] = [];
  for (const candidate of candidatesOf(source)) {
    try {
      return await inspectCandidate(candidate, source, session);
    } catch (error) {
      session.signal.throwIfAborted();
      if (!(error instanceof WeightsError)) throw error;
      const { reason, message } = error;
      const name = isWebSource(candidate) ? candidate.type : describeSource(candidate);
      attempts.push({ source: name, reason, message });
    }
  }
  throw allSourcesFailed(attempts);
}

async function inspectCandidate(
  candidate: Candidate,
  source: WeightsSource,
  session: InspectionSession,
): Promise<InspectedWeights> {
  const [first, ...others] = sourcesOfParts(candidate);
  if (first === undefined) throw allSourcesFailed([]);
  const [sha256, ...checksums] = partChecksums(source, 1 + others.length);
  const main = await inspectFile(first, sha256, session);
  let { sizeBytes } = main;
  let { parameters } = main.header;
  for (let start = 0; start < others.length; start += QUESTIONS_AT_ONCE) {
    const group = others.slice(start, start + QUESTIONS_AT_ONCE);
    const parts = await Promise.all(
      group.map((part, index) => inspectFile(part, checksums[start + index], session)),
    );
    sizeBytes += parts.reduce((sum, part) => sum + part.sizeBytes, 0);
    parameters += parts.reduce((sum, part) => sum + part.header.parameters, 0);
  }
  const { values, projections } = main.header;
  return { values, projections, parameters, sizeBytes };
}

async function inspectFile(
  source: Candidate,
  sha256: string | undefined,
  session: InspectionSession,
): Promise<InspectedFile> {
  if (isWebSource(source)) return inspectRemote(source, sha256, session);
  if (source.type !== "file") {
    throw new WeightsError("Unsupported", `${source.type} sources cannot be inspected`);
  }
  const { size } = await statReadable(source.path);
  const header = await requireGguf(source.path, fileNameOf(source));
  return { header, sizeBytes: Number(size) };
}
