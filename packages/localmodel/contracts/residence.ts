/**
 * Whether a model server's weights are in memory: what the servers of a model that sleeps by `unload` tell the API
 * service, which then holds requests as for a model without servers, and has one of these load.
 *
 * `GET /residence` on the server's port is a stream of lines (application/x-ndjson) that ends only when the server does.
 * Each line is the whole of it. The first comes at once; then one at every change, where progress alone waits a quarter of
 * a second; and at least one every five seconds, so that silence means that something is broken.
 */
import { z } from "zod";

export const RESIDENCE_PATH = "/residence";

export const RESIDENCE_LINE_MAX_BYTES = 16 * 1024;
const MESSAGE_MAX_CHARACTERS = 4096;

const message = z.string().max(MESSAGE_MAX_CHARACTERS);

const Residence = z.discriminatedUnion("state", [
  /** Its readiness says whether it serves. */
  z.object({
    state: z.literal("awake"),
    /** What they take of devices; absent where they are on none. */
    deviceBytes: z.int().min(0).exactOptional(),
  }),
  z.object({
    state: z.literal("asleep"),
    message,
    /** Why it could not load just now, in one word. */
    reason: z
      .string()
      .regex(/^[A-Z][A-Za-z0-9]{0,63}$/)
      .exactOptional(),
  }),
  z.object({ state: z.literal("loading"), message, progress: z.number().min(0).max(1) }),
]);
export type Residence = z.infer<typeof Residence>;

/** With its end of line. */
export function residenceLine(residence: Residence): string {
  if (residence.state === "awake") return `${JSON.stringify(residence)}\n`;
  const short = residence.message.slice(0, MESSAGE_MAX_CHARACTERS);
  return `${JSON.stringify({ ...residence, message: short })}\n`;
}

/** Undefined for what cannot be read. Fields of newer versions are dropped. */
export function parseResidence(line: string): Residence | undefined {
  try {
    return Residence.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
