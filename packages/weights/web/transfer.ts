/**
 * Downloads one URL into a partial file, for as many attempts as it takes.
 *
 * Every attempt asks for what is missing and lets receive.ts act on the answer. It ends with all bytes
 * there, or with a WeightsError saying why this source will not deliver. Whether the bytes are the right
 * ones is checked afterwards (web-download.ts).
 */
import { setTimeout as delay } from "node:timers/promises";
import { networkFailure } from "../http/network-failure.ts";
import { type Outcome, receive, type Transfer } from "./receive.ts";
import { publicUrl } from "../source/redact.ts";
import type { RemoteFile } from "../http/remote-file.ts";
import { planResponse, rangeHeaders, type ResumePoint } from "./response-plan.ts";
import { type Failed, retryDelayMs } from "../http/retry.ts";
import { StallGuard } from "../progress/stall-guard.ts";
import { formatBytes, formatDuration } from "../progress/units.ts";
import { RequestError } from "../http/web-client.ts";
import type { DownloadSession } from "./web-session.ts";
import { WeightsError } from "../source/weights-error.ts";

export async function transfer(job: Transfer, session: DownloadSession): Promise<RemoteFile> {
  const { partial } = job;
  let mostBytes = partial.sizeBytes;
  let failures = 0;
  for (;;) {
    const outcome = await attempt(job, session);
    if (outcome.kind === "complete") return outcome.remote;
    // More than ever before, not more than last time: a server that always breaks at one byte ends.
    failures = partial.sizeBytes > mostBytes ? 1 : failures + 1;
    mostBytes = Math.max(mostBytes, partial.sizeBytes);
    const failed = outcome.kind === "failed" ? outcome : USELESS_RANGE;
    const waitMs = retryDelayMs(
      { ...failed, kind: failed.how, failures, hasAlternative: job.hasAlternative },
      session.retry,
    );
    if (waitMs === undefined) throw gaveUp(failed, failures, job);
    if (outcome.kind === "askAgain") continue;
    session.log(`${failed.message}; trying again in ${formatDuration(waitMs)}`);
    await delay(waitMs, undefined, { signal: session.signal });
  }
}

const USELESS_RANGE = {
  how: "broken",
  message: "the server's answers do not fit together",
} as const;

function gaveUp(
  failed: { how: Failed["kind"]; message: string },
  failures: number,
  { url, partial }: Transfer,
): WeightsError {
  const times = failures > 1 ? ` (${failures} times in a row)` : "";
  const kept = partial.sizeBytes > 0 ? `; ${formatBytes(partial.sizeBytes)} are kept` : "";
  const reason = failed.how === "stalled" ? "Stalled" : "SourceUnavailable";
  return new WeightsError(reason, `${publicUrl(url)}: ${failed.message}${times}${kept}`);
}

async function attempt(job: Transfer, session: DownloadSession): Promise<Outcome> {
  using guard = new StallGuard(session.stallTimeoutMs, session.signal);
  let { url } = job;
  try {
    const resume = await resumePoint(job);
    const response = await session.web.get({
      ...(await job.locate()),
      headers: rangeHeaders(resume),
      signal: guard.signal,
    });
    guard.touch();
    url = response.url;
    return await receive(response, planResponse(response, resume), { job, session, guard });
  } catch (error) {
    if (error instanceof WeightsError) throw error;
    session.signal.throwIfAborted();
    const host = new URL(error instanceof RequestError ? error.url : url).host;
    if (guard.stalled) {
      const waited = formatDuration(session.stallTimeoutMs);
      const message = `not a byte arrived from ${host} for ${waited}`;
      return { kind: "failed", how: "stalled", message };
    }
    const failure = networkFailure(error, host);
    if (failure === undefined) throw error;
    return { kind: "failed", how: failure.kind, message: failure.message + progressOf(job) };
  }
}

function progressOf({ partial }: Transfer): string {
  if (partial.sizeBytes === 0) return "";
  const total = partial.record?.totalBytes;
  const ofTotal = total === undefined ? "" : ` of ${formatBytes(total)}`;
  return ` after ${formatBytes(partial.sizeBytes)}${ofTotal}`;
}

/** What to ask for; throws bytes away that cannot be continued. */
async function resumePoint(job: Transfer): Promise<ResumePoint | undefined> {
  const { partial, sourceKey, sha256 } = job;
  const { record } = partial;
  if (partial.sizeBytes === 0 || record === undefined) return undefined;
  const offset = partial.sizeBytes;
  if (record.continuable && record.source === sourceKey && record.validator !== undefined) {
    return { offset, validator: record.validator };
  }
  if (record.continuable && sha256 !== undefined) return { offset };
  await partial.restart(undefined);
  return undefined;
}
