/** Bounds of `localmodel.queue.wait`, whichever service measures it: what has one name is drawn in one graph. */
export const WAIT_SECONDS = [
  0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
] as const;
