/** A new key, and its entry in a file of keys. */
import { createHash, randomBytes } from "node:crypto";
import { readApiKeys } from "@localmodel/localmodel/documents/read-api-keys.ts";

export class UsageError extends Error {
  override readonly name = "UsageError";
}

type KeyOptions = {
  readonly name?: string;
  readonly models?: string;
  readonly "requests-per-minute"?: string;
  readonly "tokens-per-minute"?: string;
  readonly concurrency?: string;
  readonly expires?: string;
  readonly admin?: boolean;
};

const SECRET_BYTES = 32;

/** Looks like OpenAI's, so that scanners for leaked secrets know one when they see it. */
export function newSecret(): string {
  return `sk-${randomBytes(SECRET_BYTES).toString("base64url")}`;
}

/** As an item of the list `keys`. Throws a UsageError for what the reader of the file would refuse. */
export function keyEntry(secret: string, options: KeyOptions): string {
  if (options.name === undefined) throw new UsageError("--name is missing");
  const fields: readonly (readonly [string, string | undefined])[] = [
    ["name", JSON.stringify(options.name)],
    ["sha256", JSON.stringify(createHash("sha256").update(secret).digest("hex"))],
    ["models", options.models && JSON.stringify(options.models.split(","))],
    ["requestsPerMinute", scalar(options["requests-per-minute"])],
    ["tokensPerMinute", scalar(options["tokens-per-minute"])],
    ["concurrency", scalar(options.concurrency)],
    ["expires", options.expires && JSON.stringify(options.expires)],
    ["admin", options.admin ? "true" : undefined],
  ];
  const lines = fields.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  const entry = `  - ${lines.join("\n    ")}\n`;
  refuseInvalid(entry);
  return entry;
}

/** A number as it was typed; anything else in quotes, so that its mistake is told as such. */
function scalar(typed: string | undefined): string | undefined {
  return typed === undefined || /^-?\d+(\.\d+)?$/.test(typed) ? typed : JSON.stringify(typed);
}

function refuseInvalid(entry: string): void {
  const read = readApiKeys(`keys:\n${entry}`, "");
  if (!("problems" in read)) return;
  const told = read.problems.map(
    ({ field = "", message }) => `${field.replace("keys[0].", "")}: ${message}`,
  );
  throw new UsageError(told.join("; "));
}
