/** How many replicas a model that scales should have, since when, and what has been seen on the way there. */

export type ScaleReason =
  | "Asleep"
  | "Minimum"
  | "Schedule"
  | "Demand"
  | "Maximum"
  | "Busy"
  | "DemandUnknown";

/** Times are Unix time in milliseconds. */
export type Scale = {
  readonly desired: number;
  readonly reason: ScaleReason;
  /** When `desired` last changed. */
  readonly sinceMs: number;
  readonly lastUsedMs: number;
  /** More were needed without a break, `replicas` at least. */
  readonly over?: Stretch | undefined;
  /** Fewer would have done without a break, `replicas` at most. */
  readonly under?: Stretch | undefined;
  /** So many of `desired` a whole window has not needed; they go when no request is at them. */
  readonly surplus?: number;
  /** Since when it is not known what all API pods are asked for. */
  readonly unknownSinceMs?: number | undefined;
};

export type Stretch = { readonly sinceMs: number; readonly replicas: number };
