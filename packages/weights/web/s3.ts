/**
 * Objects of S3 and compatible stores as URLs, and requests for them signed with AWS Signature Version 4.
 *
 * The signature covers the host, the path and the time, and goes along as ordinary request headers: a server
 * somewhere else could not use it, and redirects.ts does not send it there.
 */
import type { SingleSource } from "@localmodel/localmodel/resource/source-spec.ts";
import { AwsV4Signer } from "aws4fetch";
import type { AwsKeys } from "../source/credentials.ts";
import { WeightsError } from "../source/weights-error.ts";

type S3Source = Extract<SingleSource, { type: "s3" }>;

export function s3Url({ bucket, key, region, endpoint, addressing }: S3Source): string {
  const url = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`);
  const base = url.pathname.replace(/\/+$/, "");
  const inPath = addressing === "path" ? `/${bucket}` : "";
  if (addressing === "virtualHost") {
    const host = `${bucket}.${url.hostname}`;
    url.hostname = host;
    // A URL keeps its host silently when the new one cannot be: an address has no subdomains.
    if (url.hostname !== host) {
      throw new WeightsError(
        "InvalidSource",
        `${url.hostname} cannot have "${bucket}" in front of it; set s3.addressing to path`,
      );
    }
  }
  url.pathname = `${base}${inPath}/${key.split("/").map(encodeSegment).join("/")}`;
  return url.href;
}

/** Headers that make a GET of `url` the one of these keys' owner. Good for some minutes. */
export async function signedHeaders(
  url: string,
  region: string,
  keys: AwsKeys,
): Promise<Record<string, string>> {
  const signer = new AwsV4Signer({ ...keys, url, region, method: "GET", service: "s3" });
  const { headers } = await signer.sign();
  return Object.fromEntries(headers);
}

/** What S3 itself encodes, which is more than URLs must. */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
