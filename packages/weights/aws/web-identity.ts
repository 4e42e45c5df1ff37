/**
 * AssumeRoleWithWebIdentity: a token that Kubernetes has signed for a ServiceAccount, shown to AWS's Security Token
 * Service or a compatible one.
 *
 * The token is read anew each time, because the kubelet replaces it before it ends.
 */
import { readFile } from "node:fs/promises";
import { WeightsError } from "../source/weights-error.ts";
import { type Answer, ask } from "./ask.ts";
import type { LentKeys } from "./lent-keys.ts";

const VERSION = "2011-06-15";
const SESSION_NAME = "localmodel";

type Role = {
  readonly roleArn: string;
  readonly tokenFile: string;
  /** Where nothing else says which service is near. */
  readonly region: string;
};

export async function webIdentityKeys(
  role: Role,
  environment: NodeJS.ProcessEnv,
): Promise<LentKeys> {
  const url = serviceOf(role, environment);
  const form = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: VERSION,
    RoleArn: role.roleArn,
    RoleSessionName: environment["AWS_ROLE_SESSION_NAME"] || SESSION_NAME,
    WebIdentityToken: await tokenIn(role.tokenFile),
  });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const body = form.toString();
  const answer = await ask({ method: "POST", url, headers, body }, environment);
  if (answer.status !== 200) throw refusal(answer, role, url);
  const accessKeyId = element(answer, "AccessKeyId");
  const secretAccessKey = element(answer, "SecretAccessKey");
  const sessionToken = element(answer, "SessionToken");
  const expiresMs = Date.parse(element(answer, "Expiration") ?? "");
  if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expiresMs)) {
    throw new WeightsError(
      "SourceUnavailable",
      `${new URL(url).host} answers without keys for the role ${role.roleArn}; is it a Security Token Service?`,
    );
  }
  return { keys: { accessKeyId, secretAccessKey, sessionToken }, expiresMs };
}

function serviceOf({ region }: Role, environment: NodeJS.ProcessEnv): string {
  const near = environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || region;
  const url = environment["AWS_ENDPOINT_URL_STS"] || `https://sts.${near}.amazonaws.com/`;
  if (URL.canParse(url)) return url;
  throw new WeightsError("InvalidSource", `AWS_ENDPOINT_URL_STS is "${url}", not a URL`);
}

async function tokenIn(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    throw new WeightsError(
      "SecretMissing",
      `there is no token in ${file}, which AWS_WEB_IDENTITY_TOKEN_FILE names; the pod's ServiceAccount has none for AWS`,
      { cause: error },
    );
  }
}

/** What the service says is wrong is for whoever may read the role's trust; its code is enough to look it up. */
function refusal(answer: Answer, { roleArn }: Role, url: string): WeightsError {
  const code = /^[A-Za-z.]{1,64}$/.exec(element(answer, "Code") ?? "")?.[0];
  const said = code === undefined ? `status ${answer.status}` : `${code} (${answer.status})`;
  const isLater = answer.status >= 500 || answer.status === 429 || code === "IDPCommunicationError";
  return new WeightsError(
    isLater ? "SourceUnavailable" : "Unauthorized",
    `${new URL(url).host} gives no keys for the role ${roleArn}: ${said}; the role's trust policy has to name the cluster's issuer and the pod's ServiceAccount`,
  );
}

/** Keys and codes have no characters that XML writes otherwise. */
function element({ text }: Answer, name: string): string | undefined {
  return new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(text)?.[1];
}
