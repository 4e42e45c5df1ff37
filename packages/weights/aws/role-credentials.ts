/**
 * Keys for S3 that nobody has to keep: what this process is, is shown to AWS, which gives keys for an hour or so.
 *
 * Where from is said by the variables that AWS's own tools know, in their order: a token of a ServiceAccount (IRSA), a
 * container's own address (EKS Pod Identity, ECS), and, where somebody asks for it, the machine's metadata (EC2). The
 * last is not asked by itself: a bucket for everybody needs no keys, and a pod is not meant to have its node's rights.
 */
import type { AwsKeys } from "../source/credentials.ts";
import { containerKeys } from "./container-keys.ts";
import { instanceKeys } from "./instance-keys.ts";
import type { LentKeys } from "./lent-keys.ts";
import { webIdentityKeys } from "./web-identity.ts";

/** `region`: of the bucket, for who has no other. */
type Lender = (region: string) => Promise<LentKeys>;

/** Before their end others are asked for: what is signed has to arrive in time. */
const MARGIN_MS = 300_000;

/** Keys for one source after another; undefined where nobody lends any. */
export function roleCredentials(
  environment: NodeJS.ProcessEnv,
): ((region: string) => Promise<AwsKeys>) | undefined {
  const lender = lenderOf(environment);
  return lender && lasting(lender);
}

function lenderOf(environment: NodeJS.ProcessEnv): Lender | undefined {
  const said = (name: string) => environment[name]?.trim() || undefined;
  const roleArn = said("AWS_ROLE_ARN");
  const tokenFile = said("AWS_WEB_IDENTITY_TOKEN_FILE");
  if (roleArn !== undefined && tokenFile !== undefined) {
    return (region) => webIdentityKeys({ roleArn, tokenFile, region }, environment);
  }
  const relative = said("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const full = said("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative !== undefined || full !== undefined) return () => containerKeys(environment);
  return said("AWS_EC2_METADATA_DISABLED") === "false"
    ? () => instanceKeys(said("AWS_EC2_METADATA_SERVICE_ENDPOINT"))
    : undefined;
}

/** Asks once, however many files are wanted at the same time; a failure is not kept. */
function lasting(lender: Lender): (region: string) => Promise<AwsKeys> {
  let lent: Promise<LentKeys> | undefined;
  return async (region) => {
    const known = await lent?.catch(() => undefined);
    if (known !== undefined && known.expiresMs - MARGIN_MS > Date.now()) return known.keys;
    lent = lender(region);
    return (await lent).keys;
  };
}
