/**
 * Who may use the API service, and how much: the document behind `--keys FILE`, and in a cluster the content
 * of every Secret with the label.
 *
 * It holds no key, only what a key hashes to: who reads it cannot use what he reads. Nor does anything here
 * repeat what was written where a hash belongs, because that may be a key.
 */
import { z } from "zod";
import { GROUP } from "../resource/localmodel.ts";

/** Secrets that hold keys: this label with the value "true", the document under this name. */
export const API_KEYS_LABEL = `${GROUP}/api-keys`;
export const API_KEYS_SECRET_ITEM = "keys.yaml";

/** What may stand in a header and in a log line as it is. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?$/;
const SHA256 = /^[0-9a-f]{64}$/i;
const PER_MINUTE_MAX = 1_000_000_000;

const PerMinute = z.int().min(1).max(PER_MINUTE_MAX);

export const ApiKey = z.strictObject({
  name: z
    .string()
    .refine((name) => NAME.test(name), "must be 1 to 64 letters, digits, and . _ @ - inside")
    .describe("Whose key it is. Stands in logs, and keeps prompt caches apart."),
  sha256: z
    .custom<string>(
      (value) => typeof value === "string" && SHA256.test(value),
      "must be the SHA-256 of the key as 64 hexadecimal digits; `npm run key` makes one",
    )
    .transform((hash) => hash.toLowerCase())
    .describe("SHA-256 of the key, in hexadecimal."),
  models: z
    .array(z.string().min(1).max(512))
    .min(1)
    .max(1000)
    .default(["*"])
    .describe("Ids or aliases it may use; `*` stands for any characters."),
  requestsPerMinute: PerMinute.exactOptional(),
  tokensPerMinute: PerMinute.exactOptional().describe(
    "Of prompts and answers together. What a request may cost is set aside when it comes.",
  ),
  concurrency: z
    .int()
    .min(1)
    .max(100_000)
    .exactOptional()
    .describe("Requests that may be open at the same time."),
  expires: z
    .union([z.iso.datetime({ offset: true }), z.iso.date()], {
      error: "must be a time such as 2027-01-31T00:00:00Z, or a date",
    })
    .exactOptional()
    .describe("From this moment on it is refused; a date begins at midnight UTC."),
  admin: z.boolean().default(false).describe("Whether it may see what others ask: /admin/log."),
});
export type ApiKey = z.infer<typeof ApiKey>;

export const ApiKeys = z.strictObject({ keys: z.array(ApiKey).max(10_000) });
export type ApiKeys = z.infer<typeof ApiKeys>;
