/**
 * The last words of a container of a model's pod: why it gave up, in its termination message.
 *
 * Kubernetes keeps the message in the pod's status, so the operator learns of it without asking the pod.
 */
import { z } from "zod";

/** At most what Kubernetes keeps of a message. */
const MAX_BYTES = 4096;

export const Termination = z.object({
  /** CamelCase: a reason of packages/weights' errors, or a FailureReason of the model server. */
  reason: z.string().regex(/^[A-Z][A-Za-z0-9]*$/),
  message: z.string(),
});
export type Termination = z.infer<typeof Termination>;

export function terminationMessage({ reason, message }: Termination): string {
  for (let length = message.length; ; length = Math.floor(length * 0.9)) {
    const cut = length < message.length ? `${message.slice(0, length)}…` : message;
    const text = JSON.stringify({ reason, message: cut });
    if (Buffer.byteLength(text) <= MAX_BYTES) return text;
  }
}

/** Nothing where the container said something else, or nothing: it was killed. */
export function parseTermination(text: string | undefined): Termination | undefined {
  try {
    return Termination.parse(JSON.parse(text ?? ""));
  } catch {
    return undefined;
  }
}
