/** The check of a signature that a store of S3 makes, written from AWS's description of Signature Version 4. */
import { createHmac } from "node:crypto";
import type { Seen } from "./file-server.ts";
import { sha256Of } from "./sample-gguf.ts";

type Signer = { readonly secret: string; readonly region: string };

export function isSigned({ path, headers }: Seen, { secret, region }: Signer): boolean {
  const authorization = headers.authorization ?? "";
  const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1] ?? "";
  const claimed = /Signature=([0-9a-f]{64})$/.exec(authorization)?.[1];
  const time = String(headers["x-amz-date"]);
  const canonical = [
    "GET",
    path,
    "",
    ...names.split(";").map((name) => `${name}:${String(headers[name])}`),
    "",
    names,
    String(headers["x-amz-content-sha256"]),
  ].join("\n");
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256Of(Buffer.from(canonical))].join("\n");
  const key = scope
    .split("/")
    .reduce<Buffer>((secretSoFar, part) => hmac(secretSoFar, part), Buffer.from(`AWS4${secret}`));
  return claimed === hmac(key, toSign).toString("hex") && names.split(";").includes("host");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
