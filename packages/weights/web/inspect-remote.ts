/**
 * Reads the header of a GGUF on the web, and how long the file is, without fetching the rest.
 *
 * One request is made, once: whoever wants to know decides whether to ask again.
 */
import { HEADER_BYTES_MAX } from "./growth.ts";
import { BodyBytes, TooLongError } from "./body-bytes.ts";
import { decoded } from "../http/content-coding.ts";
import { failureOfStatus } from "../http/http-failure.ts";
import { networkFailure } from "../http/network-failure.ts";
import { publicUrl } from "../source/redact.ts";
import { remoteFileOf } from "../http/remote-file.ts";
import { StallGuard } from "../progress/stall-guard.ts";
import { discardBody, RequestError, type WebResponse } from "../http/web-client.ts";
import { isOffline, locate, urlOf, type WebSource } from "./web-location.ts";
import type { AskingSession } from "./web-session.ts";
import { checkGguf } from "../gguf/gguf-check.ts";
import type { GgufHeader } from "../gguf/gguf-header.ts";
import { fileNameOf } from "../gguf/split-names.ts";
import { formatBytes, formatDuration } from "../progress/units.ts";
import { WeightsError } from "../source/weights-error.ts";

export type InspectedFile = { readonly header: GgufHeader; readonly sizeBytes: number };

export type InspectionSession = AskingSession & { readonly stallTimeoutMs: number };

export async function inspectRemote(
  source: WebSource,
  sha256: string | undefined,
  session: InspectionSession,
): Promise<InspectedFile> {
  const url = urlOf(source, session.environment);
  if (isOffline(source, session.environment)) {
    throw new WeightsError("SourceUnavailable", `${url}: HF_HUB_OFFLINE forbids asking the Hub`);
  }
  using guard = new StallGuard(session.stallTimeoutMs, session.signal);
  try {
    const leg = await locate(source, session);
    const headers = { range: `bytes=0-${HEADER_BYTES_MAX - 1}` };
    const response = await session.web.get({ ...leg, headers, signal: guard.signal });
    try {
      return await inspectAnswer(response, { sha256, name: fileNameOf(source), guard });
    } finally {
      discardBody(response.body);
    }
  } catch (error) {
    session.signal.throwIfAborted();
    throw inWords(error, { url, guard, stallTimeoutMs: session.stallTimeoutMs });
  }
}

type Expected = {
  readonly sha256: string | undefined;
  readonly name: string;
  readonly guard: StallGuard;
};

async function inspectAnswer(
  response: WebResponse,
  { sha256, name, guard }: Expected,
): Promise<InspectedFile> {
  guard.touch();
  if (response.status === 416) throw new WeightsError("NotAGguf", "the file is empty");
  if (response.status !== 200 && response.status !== 206) {
    const failure = failureOfStatus(response);
    const reason = failure.kind === "never" ? failure.reason : "SourceUnavailable";
    throw new WeightsError(reason, failure.message);
  }
  const remote = remoteFileOf(response);
  if (sha256 !== undefined && remote.sha256 !== undefined && remote.sha256 !== sha256) {
    throw new WeightsError(
      "ChecksumMismatch",
      `the server has a file with sha256 ${remote.sha256}, the source asks for ${sha256}; correct source.sha256 or the revision`,
    );
  }
  const bytes = new BodyBytes(decoded(response), HEADER_BYTES_MAX, () => guard.touch());
  const header = await checkGguf(bytes, remote.sizeBytes ?? Infinity, name);
  return { header, sizeBytes: remote.sizeBytes ?? header.requiredBytes };
}

function inWords(
  error: unknown,
  { url, guard, stallTimeoutMs }: { url: string; guard: StallGuard; stallTimeoutMs: number },
): unknown {
  const shown = publicUrl(url);
  if (error instanceof WeightsError)
    return new WeightsError(error.reason, `${shown}: ${error.message}`);
  if (error instanceof TooLongError) {
    const limit = formatBytes(HEADER_BYTES_MAX);
    return new WeightsError("NotAGguf", `${shown}: its header is longer than ${limit}`);
  }
  const { host } = new URL(error instanceof RequestError ? error.url : url);
  if (guard.stalled) {
    const waited = formatDuration(stallTimeoutMs);
    return new WeightsError("Stalled", `${shown}: not a byte arrived from ${host} for ${waited}`);
  }
  const failure = networkFailure(error, host);
  if (failure === undefined) return error;
  return new WeightsError("SourceUnavailable", `${shown}: ${failure.message}`, { cause: error });
}
