/**
 * Keys from an address that a container is told: EKS Pod Identity's agent on the node, or that of ECS.
 *
 * What is shown there goes unencrypted, so it has to stay on the machine: other hosts are asked by https alone.
 */
import { readFile } from "node:fs/promises";
import { WeightsError } from "../source/weights-error.ts";
import { ask } from "./ask.ts";
import { keysIn, type LentKeys } from "./lent-keys.ts";

const ECS = "http://169.254.170.2";
/** Loopback, and where ECS and EKS have their agents. */
const OWN_HOSTS = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|169\.254\.170\.(2|23)|\[fd00:ec2::23\])$/;

export async function containerKeys(environment: NodeJS.ProcessEnv): Promise<LentKeys> {
  const url = addressOf(environment);
  const authorization = await authorizationOf(environment);
  const headers = { ...(authorization !== undefined && { authorization }) };
  // An https address may be anywhere; the others are of this machine, where no proxy leads.
  const surroundings = url.startsWith("https:") ? environment : {};
  return keysIn(await ask({ method: "GET", url, headers }, surroundings), new URL(url).host);
}

function addressOf(environment: NodeJS.ProcessEnv): string {
  const relative = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];
  const said = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]?.trim() ?? "";
  const url = URL.parse(relative ? `${ECS}${relative.trim()}` : said);
  const isHttp = url?.protocol === "http:" && OWN_HOSTS.test(url.hostname);
  if (url !== null && (isHttp || url.protocol === "https:")) return url.href;
  throw new WeightsError(
    "InvalidSource",
    `AWS_CONTAINER_CREDENTIALS_FULL_URI is "${said}"; it has to be an https URL, or an http URL of this machine or of the agent of EKS or ECS`,
  );
}

/** The agent's token is replaced while a download lasts. */
async function authorizationOf(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const file = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];
  if (!file) return environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] || undefined;
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    throw new WeightsError(
      "SecretMissing",
      `there is no token in ${file}, which AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names`,
      { cause: error },
    );
  }
}
