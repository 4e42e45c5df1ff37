/**
 * A file whose bytes somebody has pinned by a checksum, and what it looked like when it was found to have them.
 *
 * Whoever fetches writes it down, whoever loads compares before each load: a file that looks the same has not been
 * touched, any other is read again. The time of the last change cannot be set by who owns a file, unlike the time of
 * its last modification.
 */
import { z } from "zod";

const number = z.string().regex(/^-?[0-9]{1,20}$/);

export const Fingerprint = z.strictObject({
  device: number,
  inode: number,
  sizeBytes: z.int().min(0),
  /** Nanoseconds since 1970 as a decimal; a double cannot hold them. */
  modifiedNs: number,
  changedNs: number,
});
export type Fingerprint = z.infer<typeof Fingerprint>;

export const PinnedFile = z.strictObject({
  path: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  fingerprint: Fingerprint,
});
export type PinnedFile = z.infer<typeof PinnedFile>;

/** What the container that fetches leaves for the one that loads. */
export const PinnedFiles = z.array(PinnedFile).max(16_384);
