/**
 * Why weights could not be fetched.
 *
 * One error type serves both levels: what a single source answered, and the final error that lists
 * what every source answered. The reason is for programs (conditions, retry decisions), the message for
 * a person; it never contains credentials or the query of a URL.
 */

export type WeightsFailureReason =
  /** The source cannot mean what its author wanted, whoever asks. */
  | "InvalidSource"
  /** A kind of source that does not work where this runs. */
  | "Unsupported"
  | "NotFound"
  | "Unauthorized"
  /** Credentials are referred to that are not there; whoever owns them may add them. */
  | "SecretMissing"
  | "ChecksumMismatch"
  | "NotAGguf"
  | "Truncated"
  | "DiskFull"
  /** The cache folder cannot be written or locked. */
  | "CacheUnusable"
  | "Stalled"
  | "DeadlineExceeded"
  | "SourceUnavailable";

/** What one source answered. */
export type SourceAttempt = {
  readonly source: string;
  readonly reason: WeightsFailureReason;
  readonly message: string;
};

export class WeightsError extends Error {
  readonly reason: WeightsFailureReason;
  readonly attempts: readonly SourceAttempt[];

  constructor(
    reason: WeightsFailureReason,
    message: string,
    options: ErrorOptions & { attempts?: readonly SourceAttempt[] } = {},
  ) {
    super(message, options);
    this.name = "WeightsError";
    this.reason = reason;
    this.attempts = options.attempts ?? [];
  }
}

const TRANSIENT: ReadonlySet<WeightsFailureReason> = new Set([
  "SourceUnavailable",
  "Stalled",
  "DeadlineExceeded",
  "SecretMissing",
] satisfies WeightsFailureReason[]);

/** Whether the same fetch may succeed later although nobody changes its source. */
export function isTransient(reason: WeightsFailureReason): boolean {
  return TRANSIENT.has(reason);
}

/** Whether the failure is this machine's, so that asking the next source is pointless. */
export function concernsThisMachine(reason: WeightsFailureReason): boolean {
  return reason === "DiskFull" || reason === "CacheUnusable" || reason === "DeadlineExceeded";
}

/**
 * What one reason stands for several attempts: the one that says most about what to change. A wrong
 * file outranks a closed door, a closed door outranks a server that was not there.
 */
const MOST_TELLING_FIRST: readonly WeightsFailureReason[] = [
  "DiskFull",
  "CacheUnusable",
  "DeadlineExceeded",
  "ChecksumMismatch",
  "NotAGguf",
  "Truncated",
  "InvalidSource",
  "SecretMissing",
  "Unauthorized",
  "NotFound",
  "Stalled",
  "SourceUnavailable",
  "Unsupported",
];

/** The error of a fetch all of whose sources failed. */
export function allSourcesFailed(attempts: readonly SourceAttempt[]): WeightsError {
  const reason =
    MOST_TELLING_FIRST.find((candidate) => attempts.some((it) => it.reason === candidate)) ??
    "InvalidSource";
  const [only, ...others] = attempts;
  if (only === undefined) {
    return new WeightsError(reason, "the source names no place to fetch weights from");
  }
  if (others.length === 0) {
    return new WeightsError(reason, `${only.source}: ${only.message}`, { attempts });
  }
  const lines = attempts.map((it) => `  ${it.source}: ${it.message}`);
  const heading = `none of ${attempts.length} sources delivered the weights:`;
  return new WeightsError(reason, [heading, ...lines].join("\n"), { attempts });
}
