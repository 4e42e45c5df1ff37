/**
 * Credentials of a file's candidates, from the Secrets that are mounted into the pod.
 *
 * Mounts are optional, so a Secret that does not exist is an empty folder; it fills by itself a minute or two
 * after somebody creates the Secret. Files are read for every request, and what is missing is said by name.
 * A source that names no Secret has what the environment offers (`HF_TOKEN`, `AWS_ACCESS_KEY_ID`).
 */
import { readdir, readFile } from "node:fs/promises";
import { posix } from "node:path";
import { SECRETS_FOLDER, secretFolder } from "@localmodel/localmodel/cluster/pod-layout.ts";
import type { Candidate } from "@localmodel/weights/source/candidate.ts";
import { ownCredentials } from "@localmodel/weights/own-credentials.ts";
import {
  awsCredentials,
  bearer,
  type Credentials,
  type CredentialsFor,
} from "@localmodel/weights/source/credentials.ts";
import { WeightsError } from "@localmodel/weights/source/weights-error.ts";

/** Where Secrets are mounted, for who runs a fetch outside a pod. */
const SECRETS_FOLDER_VARIABLE = "LOCALMODEL_SECRETS_FOLDER";

const AWS_KEYS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] as const;
const OPTIONAL_AWS_KEY = "AWS_SESSION_TOKEN";
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** For the candidates of the file with this role. */
export function secretCredentials(role: string, environment: NodeJS.ProcessEnv): CredentialsFor {
  const root = environment[SECRETS_FOLDER_VARIABLE] || SECRETS_FOLDER;
  const own = ownCredentials(environment);
  return async (candidate) => {
    const inRoot = posix.relative(SECRETS_FOLDER, secretFolder(role, candidate.candidate));
    return (await credentialsIn(posix.join(root, inRoot), candidate)) ?? own(candidate);
  };
}

async function credentialsIn(
  folder: string,
  candidate: Candidate,
): Promise<Credentials | undefined> {
  if (candidate.type === "huggingFace") {
    const secret = candidate.tokenSecretRef;
    if (secret === undefined) return undefined;
    return bearer(
      await requiredValue(folder, "token", `"${secret.name}" with the key "${secret.key}"`),
    );
  }
  if (candidate.type === "http") {
    const secret = candidate.headersSecretRef;
    return secret && { headers: await headersIn(folder, secret.name) };
  }
  if (candidate.type !== "s3" || candidate.credentialsSecretRef === undefined) return undefined;
  const { name } = candidate.credentialsSecretRef;
  const values: Record<string, string | undefined> = {};
  for (const key of AWS_KEYS) {
    values[key] = await requiredValue(folder, key, `"${name}" with the key "${key}"`);
  }
  values[OPTIONAL_AWS_KEY] = await valueOf(folder, OPTIONAL_AWS_KEY);
  return awsCredentials(values);
}

async function headersIn(folder: string, secret: string): Promise<Record<string, string>> {
  // Kubernetes keeps links of its own among the keys; their names start with two dots.
  const names = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith(".."));
  if (names.length === 0) throw missing(`"${secret}" with request headers`);
  const headers: Record<string, string> = {};
  for (const name of names) {
    const value = (await valueOf(folder, name)) ?? "";
    if (!HEADER_NAME.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw new WeightsError(
        "InvalidSource",
        `the key "${name}" of the Secret "${secret}" is not a request header: a key must be a header's name, its value one line`,
      );
    }
    headers[name.toLowerCase()] = value;
  }
  return headers;
}

async function requiredValue(folder: string, key: string, wanted: string): Promise<string> {
  const value = await valueOf(folder, key);
  if (value === undefined) throw missing(wanted);
  return value;
}

async function valueOf(folder: string, key: string): Promise<string | undefined> {
  const text = await readFile(posix.join(folder, key), "utf8").catch(() => "");
  return text.trim() || undefined;
}

function missing(wanted: string): WeightsError {
  return new WeightsError(
    "SecretMissing",
    `there is no Secret ${wanted} in the LocalModel's namespace; create it, and it is used within two minutes`,
  );
}
