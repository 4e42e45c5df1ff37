/** Keys of the role that an EC2 machine has, from its metadata service (IMDSv2: a token first, then the rest). */
import { WeightsError } from "../source/weights-error.ts";
import { type Answer, ask } from "./ask.ts";
import { keysIn, type LentKeys } from "./lent-keys.ts";

const SERVICE = "http://169.254.169.254";
const TOKEN_SECONDS = "21600";
const ROLES = "/latest/meta-data/iam/security-credentials/";

export async function instanceKeys(endpoint = SERVICE): Promise<LentKeys> {
  const base = endpoint.replace(/\/+$/, "");
  if (!URL.canParse(base)) {
    const message = `AWS_EC2_METADATA_SERVICE_ENDPOINT is "${endpoint}", not a URL`;
    throw new WeightsError("InvalidSource", message);
  }
  const { host } = new URL(base);
  const headers = { "x-aws-ec2-metadata-token-ttl-seconds": TOKEN_SECONDS };
  const token = await ask({ method: "PUT", url: `${base}/latest/api/token`, headers });
  const shown = { "x-aws-ec2-metadata-token": textOf(token, host) };
  const roles = await ask({ method: "GET", url: `${base}${ROLES}`, headers: shown });
  const [role = ""] = textOf(roles, host).split("\n");
  const url = `${base}${ROLES}${encodeURIComponent(role.trim())}`;
  return keysIn(await ask({ method: "GET", url, headers: shown }), host);
}

function textOf({ status, text }: Answer, host: string): string {
  if (status === 200) return text.trim();
  const message =
    status === 404
      ? `the machine has no role (${host}); give it one, or take AWS_EC2_METADATA_DISABLED=false away`
      : `the machine's metadata service (${host}) answers ${status}; pods reach it where its hop limit is 2 or more`;
  throw new WeightsError("Unauthorized", message);
}
