/** Keys that are lent for a while, and how addresses of containers and machines give them: JSON with AWS's names. */
import { z } from "zod";
import type { AwsKeys } from "../source/credentials.ts";
import { WeightsError } from "../source/weights-error.ts";
import type { Answer } from "./ask.ts";

/** Keys, and until when they are good; for ever where nothing is said. */
export type LentKeys = { readonly keys: AwsKeys; readonly expiresMs: number };

const Keys = z.object({
  AccessKeyId: z.string().min(1),
  SecretAccessKey: z.string().min(1),
  Token: z.string().min(1).optional(),
  Expiration: z.string().optional(),
});

export function keysIn({ status, text }: Answer, host: string): LentKeys {
  if (status !== 200) {
    const isLater = status >= 500 || status === 429;
    const message = `${host} gives no keys for S3: status ${status}; check the role that it should give them for`;
    throw new WeightsError(isLater ? "SourceUnavailable" : "Unauthorized", message);
  }
  const found = Keys.safeParse(parsed(text));
  if (!found.success) {
    const message = `${host} answers without keys for S3; it should give AccessKeyId and SecretAccessKey`;
    throw new WeightsError("SourceUnavailable", message);
  }
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = found.data;
  const expiresMs = Date.parse(Expiration ?? "");
  return {
    keys: {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      ...(Token !== undefined && { sessionToken: Token }),
    },
    expiresMs: Number.isNaN(expiresMs) ? Infinity : expiresMs,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
