/**
 * X.509 certificates for tests, made on the spot: no key lies in the repository, none ever expires.
 *
 * Just enough DER for what TLS looks at: a name, a key, a validity, whether it is an authority, and the
 * address it is for.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export type Certificate = {
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
  readonly privateKey: KeyObject;
};

export type Wanted = {
  readonly name: string;
  /** Who signs; itself when left out, and then it is an authority. */
  readonly issuer?: Certificate;
};

const ECDSA_SHA256 = sequence(oid("06082a8648ce3d040302"));
const DAY_MS = 86_400_000;

export function makeCertificate({ name, issuer }: Wanted): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_SHA256,
    distinguishedName(issuer?.name ?? name),
    sequence(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
    distinguishedName(name),
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(issuer === undefined ? AUTHORITY : LOOPBACK)),
  );
  const signature = sign("sha256", body, issuer?.privateKey ?? privateKey);
  const der = sequence(body, ECDSA_SHA256, element(0x03, Buffer.from([0]), signature));
  const base64 = der.toString("base64").replaceAll(/.{64}/g, "$&\n");
  return {
    name,
    certificate: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    privateKey,
  };
}

/** basicConstraints: an authority. */
const AUTHORITY = sequence(
  oid("0603551d13"),
  element(0x01, Buffer.from([0xff])),
  element(0x04, sequence(element(0x01, Buffer.from([0xff])))),
);

/** subjectAltName: 127.0.0.1. */
const LOOPBACK = sequence(
  oid("0603551d11"),
  element(0x04, sequence(element(0x87, Buffer.from([127, 0, 0, 1])))),
);

function distinguishedName(commonName: string): Buffer {
  const text = element(0x0c, Buffer.from(commonName));
  return sequence(element(0x31, sequence(oid("0603550403"), text)));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]/g, "").slice(0, 14);
  return element(0x18, Buffer.from(`${digits}Z`));
}

function integer(bytes: Buffer): Buffer {
  return element(0x02, bytes);
}

function oid(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, ...parts);
}

function tagged(tag: number, content: Buffer): Buffer {
  return element(tag, content);
}

function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}
