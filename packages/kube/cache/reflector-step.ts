/**
 * What a reflector does next, as a pure function of what happened.
 *
 * A watch that breaks goes on from the last version it saw, whatever broke it: only the server can say
 * that this version is no longer kept, and only then is everything listed again. A version the server
 * does not know at all (it was restored from a backup) makes us start from what it has.
 */
import { ApiStatusError, isExpired, isVersionTooLarge } from "../wire/api-errors.ts";

export type Step =
  | { readonly kind: "list"; readonly from: string }
  | { readonly kind: "watch"; readonly from: string };

/** Whatever the server has at hand. */
const ANY_VERSION = "0";
/** The newest there is, read from storage. */
const NEWEST_VERSION = "";

export const FIRST_STEP: Step = { kind: "list", from: ANY_VERSION };

export function stepAfterFailure(step: Step, error: unknown): Step {
  if (isVersionTooLarge(error)) return { kind: "list", from: NEWEST_VERSION };
  if (isExpired(error)) {
    return { kind: "list", from: step.kind === "watch" ? step.from : NEWEST_VERSION };
  }
  // The kind is gone, and what comes back under its name is another; or the version makes no sense.
  if (step.kind === "watch" && error instanceof ApiStatusError && [400, 404].includes(error.code)) {
    return { kind: "list", from: NEWEST_VERSION };
  }
  return step;
}
