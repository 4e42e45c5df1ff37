/**
 * Where Valkey is: a URL out of the configuration or the environment, taken apart once.
 *
 * A URL may hold a password, so no message here repeats one.
 */
import { readFileSync } from "node:fs";
import type { ApiConfig } from "@localmodel/localmodel/contracts/api-config.ts";

/** Before the configuration's URL, since a URL with a password stands in a Secret. */
export const VALKEY_URL_VARIABLE = "LOCALMODEL_VALKEY_URL";
/** Before the URL's. */
export const VALKEY_PASSWORD_VARIABLE = "LOCALMODEL_VALKEY_PASSWORD";

export type ValkeySettings = {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
  /** Absent: without TLS. `ca` are certificates to believe instead of the usual ones, as PEM. */
  readonly tls?: { readonly ca?: string };
  /** Before the names of all keys. */
  readonly prefix: string;
};

/** Why the settings cannot be used, with what to write instead. */
export class ValkeySettingsError extends Error {
  readonly code = "VALKEY_SETTINGS";

  constructor(problem: string) {
    super(`Valkey cannot be used: ${problem}`);
    this.name = "ValkeySettingsError";
  }
}

const PORT_DEFAULT = 6379;
/** Whether there is TLS. Redis' own names lead to the same protocol. */
const SCHEMES: Readonly<Record<string, boolean>> = {
  "valkey:": false,
  "redis:": false,
  "valkeys:": true,
  "rediss:": true,
};

/** Undefined where none is configured. Throws a ValkeySettingsError. */
export function valkeySettings(
  { valkey }: Pick<ApiConfig, "valkey">,
  environment: NodeJS.ProcessEnv,
): ValkeySettings | undefined {
  const text = environment[VALKEY_URL_VARIABLE] || valkey.url;
  if (text === undefined) return undefined;
  const url = urlIn(text);
  const isTls = SCHEMES[url.protocol] === true;
  if (!isTls && valkey.caFile !== undefined) {
    throw new ValkeySettingsError("a caFile is for TLS, so its URL begins with valkeys://.");
  }
  const username = decoded(url.username);
  const password = environment[VALKEY_PASSWORD_VARIABLE] || decoded(url.password);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? PORT_DEFAULT : Number(url.port),
    ...(username !== "" && { username }),
    ...(password !== "" && { password }),
    database: databaseIn(url),
    ...(isTls && { tls: valkey.caFile === undefined ? {} : { ca: certificatesIn(valkey.caFile) } }),
    prefix: valkey.prefix,
  };
}

function urlIn(text: string): URL {
  const url = URL.parse(text.trim());
  const isUsable = url !== null && url.protocol in SCHEMES && url.hostname !== "";
  if (isUsable && url.search === "" && url.hash === "") return url;
  throw notSuchUrl();
}

function notSuchUrl(): ValkeySettingsError {
  return new ValkeySettingsError(
    "its URL must be valkey://HOST:PORT, or valkeys://HOST:PORT for TLS, with USER:PASSWORD@ before the host and /NUMBER " +
      "of a database behind it where they are needed; what is reserved in URLs is written as %xx.",
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notSuchUrl();
  }
}

function databaseIn({ pathname }: URL): number {
  if (pathname === "" || pathname === "/") return 0;
  if (/^\/\d{1,4}$/.test(pathname)) return Number(pathname.slice(1));
  throw new ValkeySettingsError(
    `behind the host of its URL stands the number of a database; found "${pathname}".`,
  );
}

function certificatesIn(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new ValkeySettingsError(`${file} cannot be read: ${String(cause)}`);
  }
}
