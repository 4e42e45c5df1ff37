/**
 * Acts on one answer of a download: appends the body, replaces what is there, or says what comes next.
 *
 * The decision is made in response-plan.ts; here it meets the disk. Before the first byte there must be
 * room for the last, after the first half kilobyte it must look like a GGUF, and it must stay within its header (growth.ts).
 */
import { pipeline } from "node:stream/promises";
import { requireSpace } from "../cache/disk-space.ts";
import { HEAD_BYTES, problemOfHead } from "../gguf/gguf-check.ts";
import type { PartialFile } from "../cache/partial-file.ts";
import { answeringUrl, publicUrl } from "../source/redact.ts";
import type { Leg } from "../http/redirects.ts";
import { type RemoteFile, remoteFileOf } from "../http/remote-file.ts";
import { Growth } from "./growth.ts";
import { type ContentCoding, decoder } from "../http/content-coding.ts";
import type { ResponsePlan } from "./response-plan.ts";
import type { Failed } from "../http/retry.ts";
import type { StallGuard } from "../progress/stall-guard.ts";
import { formatBytes } from "../progress/units.ts";
import { discardBody, type WebResponse } from "../http/web-client.ts";
import type { DownloadSession } from "./web-session.ts";
import { WeightsError } from "../source/weights-error.ts";

export type Transfer = {
  readonly url: string;
  /** For every request anew. */
  readonly locate: () => Promise<Leg>;
  readonly partial: PartialFile;
  /** Key of the source's identity, as in the partial file's record. */
  readonly sourceKey: string;
  /** Known before asking: then bytes of another source may be continued, as the hash will tell. */
  readonly sha256?: string;
  readonly hasAlternative: boolean;
};

export type Outcome =
  | { readonly kind: "complete"; readonly remote: RemoteFile }
  | { readonly kind: "askAgain" }
  | {
      readonly kind: "failed";
      readonly how: Failed["kind"];
      readonly message: string;
      readonly afterMs?: number;
    };

type Attempt = {
  readonly job: Transfer;
  readonly session: DownloadSession;
  readonly guard: StallGuard;
};

export async function receive(
  response: WebResponse,
  plan: ResponsePlan,
  context: Attempt,
): Promise<Outcome> {
  const { partial } = context.job;
  const remote = remoteFileOf(response);
  if (plan.kind !== "append" && plan.kind !== "replace") discardBody(response.body);
  requireSameFile(remote, response, context.job);
  switch (plan.kind) {
    case "append":
      partial.patched = true;
      return receiveBody(response, { remote, startsAt: partial.sizeBytes, ...context });
    case "replace":
      await restart(plan, remote, context);
      return receiveBody(response, { remote, startsAt: 0, coding: plan.coding, ...context });
    case "nothingMissing":
      return { kind: "complete", remote };
    case "askForEverything":
      await partial.restart(undefined);
      return { kind: "askAgain" };
    case "later":
      return { ...plan, kind: "failed", how: "later" };
    case "never":
    default:
      throw new WeightsError(
        plan.reason,
        `${answeringUrl(response.url, context.job.url)}: ${plan.message}`,
      );
  }
}

/** The Hub says beforehand what the checksum will be: no need to download a file to find it wrong. */
function requireSameFile(remote: RemoteFile, response: WebResponse, job: Transfer): void {
  const { sha256, url } = job;
  if (sha256 === undefined || remote.sha256 === undefined || remote.sha256 === sha256) return;
  discardBody(response.body);
  throw new WeightsError(
    "ChecksumMismatch",
    `${answeringUrl(response.url, url)}: the server has a file with sha256 ${remote.sha256}, the source asks for ${sha256}; correct source.sha256 or the revision`,
  );
}

async function restart(
  plan: Extract<ResponsePlan, { kind: "replace" }>,
  remote: RemoteFile,
  { job }: Attempt,
): Promise<void> {
  await job.partial.restart({
    source: job.sourceKey,
    continuable: plan.coding === undefined,
    ...(plan.validator === undefined ? {} : { validator: plan.validator }),
    ...(remote.sizeBytes === undefined ? {} : { totalBytes: remote.sizeBytes }),
  });
}

type Body = Attempt & {
  readonly remote: RemoteFile;
  readonly startsAt: number;
  readonly coding?: ContentCoding | undefined;
};

async function receiveBody(response: WebResponse, context: Body): Promise<Outcome> {
  const { remote, coding, job, session, guard } = context;
  const { partial } = job;
  const { sizeBytes: totalBytes } = remote;
  const total = totalBytes === undefined ? {} : { totalBytes };
  try {
    await requireSpace(session.cache.root, (totalBytes ?? 0) - context.startsAt);
  } catch (error) {
    discardBody(response.body);
    throw error;
  }
  const growth = new Growth({
    path: partial.path,
    folder: session.cache.root,
    announcedBytes: totalBytes,
  });
  const append = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    let looked = partial.sizeBytes >= HEAD_BYTES;
    for await (const chunk of chunks) {
      guard.touch();
      await partial.append(chunk);
      if (!looked && partial.sizeBytes >= HEAD_BYTES) {
        looked = true;
        await requireHead(job);
      }
      await growth.reached(partial.sizeBytes).catch((error: unknown) => {
        throw naming(job.url, error);
      });
      session.onProgress({ phase: "downloading", receivedBytes: partial.sizeBytes, ...total });
    }
  };
  session.onProgress({ phase: "downloading", receivedBytes: partial.sizeBytes, ...total });
  try {
    await (coding === undefined
      ? pipeline(response.body, append)
      : pipeline(response.body, decoder(coding), append));
  } catch (error) {
    if (error instanceof WeightsError && !isWorthKeeping(error, job)) {
      await partial.restart(undefined);
    }
    throw error;
  }
  if (totalBytes === undefined || partial.sizeBytes >= totalBytes) {
    return { kind: "complete", remote };
  }
  const got = `${formatBytes(partial.sizeBytes)} of ${formatBytes(totalBytes)}`;
  return { kind: "failed", how: "broken", message: `the server ended the file after ${got}` };
}

function naming(url: string, error: unknown): unknown {
  if (!(error instanceof WeightsError) || error.reason === "DiskFull") return error;
  return new WeightsError(error.reason, `${publicUrl(url)}: ${error.message}`);
}

/** Only bytes that can be continued once there is room: others would fill the disk for nothing. */
function isWorthKeeping({ reason }: WeightsError, { partial, sha256 }: Transfer): boolean {
  if (reason !== "DiskFull") return false;
  const { record } = partial;
  return record?.continuable === true && (sha256 ?? record.validator) !== undefined;
}

/** Finds a web page out after its first bytes, not after the size of a model. */
async function requireHead({ partial, url }: Transfer): Promise<void> {
  const problem = problemOfHead(await partial.head(HEAD_BYTES));
  if (problem === undefined) return;
  await partial.restart(undefined);
  throw new WeightsError("NotAGguf", `${publicUrl(url)}: ${problem}`);
}
