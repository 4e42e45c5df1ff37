/**
 * How a model server knows the API service: every request shows a key that only the two can know.
 *
 * The platform has one secret. What is shown to a server follows from it and from the LocalModel's name, so that a
 * server which is taken over, or listened to, has nothing that opens another one. A server only knows what its key
 * hashes to, which may stand where everybody can read it. Nothing but probes is answered without a key.
 */
import { createHash, createHmac } from "node:crypto";

export const SERVER_KEY_HEADER = "x-localmodel-server-key";
/** The secret, for who starts the API service and model servers himself; one a line, the first is shown. */
export const SERVER_KEY_VARIABLE = "LOCALMODEL_SERVER_KEY";

/** Where in the Secret that the operator makes. */
export const MADE_SECRET_ITEM = "key";

/** The lines of a file, or of the variable. */
export function secretsIn(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** `server`: `namespace/name` of the LocalModel; none where somebody has started it himself: it knows the secret. */
export function serverKeyFor(secret: string, server: string | undefined): string {
  if (server === undefined) return secret;
  return keyFollowingFrom(secret, `model server ${server}`);
}

/** What replicas of the API service show to each other. */
export function peerKeyFor(secret: string): string {
  return keyFollowingFrom(secret, "replica of the API service");
}

/** What the operator shows to an API pod that it asks for `GET /demand`, as `Authorization: Bearer …`. */
export function demandTokenFor(secret: string): string {
  return keyFollowingFrom(secret, "demand");
}

/** Nobody who is shown it can tell the secret, or what else follows from it. */
function keyFollowingFrom(secret: string, purpose: string): string {
  return createHmac("sha256", secret).update(purpose).digest("base64url");
}

export function serverKeyHash(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
