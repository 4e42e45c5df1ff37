/**
 * Every reason that a condition of a LocalModel may give, and what it means to a client that asks for the model.
 *
 * The operator writes them and docs/status.md explains them; the API service turns them into the state of a model.
 * Only what a person has to put right before anything can get better is "failed", which clients do not try again.
 */
export const CONDITION_REASONS = {
  ready: ["Accelerated", "Active", "Ready"],
  asleep: ["Asleep"],
  pending: [
    "AddingNode",
    "Complete",
    "DeviceClaimFailed",
    "DiskFull",
    "DuplicateModelId",
    "Evicted",
    "ImagePullFailed",
    "Inspecting",
    "Loaded",
    "Paused",
    "Pending",
    "PodFailed",
    "PullingImage",
    "QuotaExceeded",
    "Resolved",
    "Scheduled",
    "Scheduling",
    "SchedulingGated",
    "Unschedulable",
    "VolumeMissing",
    "VolumeUnavailable",
    "WaitingForRoom",
  ],
  downloading: [
    "DeadlineExceeded",
    "Downloading",
    "DownloadQueued",
    "DownloadStalled",
    "SourceUnavailable",
  ],
  loading: ["Loading", "RollingOut", "Starting"],
  restarting: ["CrashLoop", "Draining", "Restarting"],
  failed: [
    "AcceleratorMissing",
    "BadConfiguration",
    "CacheUnusable",
    "ChecksumMismatch",
    "ClassForbidden",
    "ClassMissing",
    "ConfigError",
    "DoesNotFit",
    "DriverTooOld",
    "Forbidden",
    "ImageRefused",
    "InvalidSource",
    "InvalidSpec",
    "LoadFailed",
    "NotAGguf",
    "NotFound",
    "OutOfMemory",
    "PodSecurity",
    "Rejected",
    "SecretMissing",
    "Suspended",
    "Truncated",
    "Unauthorized",
    "UnknownTimeZone",
    "Unsupported",
    "UnsupportedSource",
    "VariableRefused",
    "VramTooSmall",
  ],
} as const;

/**
 * Of those that are not "failed": what a person has to look at as well, although it may get better without, by a node that
 * is added, say. Requests that wait for a model to wake are told so, and wait no longer.
 */
export const STUCK_REASONS: ReadonlySet<string> = new Set([
  "CrashLoop",
  "DeadlineExceeded",
  "DeviceClaimFailed",
  "DiskFull",
  "DuplicateModelId",
  "Evicted",
  "ImagePullFailed",
  "PodFailed",
  "QuotaExceeded",
  "SourceUnavailable",
  "Unschedulable",
  "VolumeMissing",
  "VolumeUnavailable",
] satisfies readonly ConditionReason[]);

export type ConditionReason = (typeof CONDITION_REASONS)[keyof typeof CONDITION_REASONS][number];
