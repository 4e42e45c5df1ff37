/**
 * The credentials of whoever runs this process, as the tools of each source would find them.
 */
import { roleCredentials } from "./aws/role-credentials.ts";
import { awsCredentials, bearer, type CredentialsFor } from "./source/credentials.ts";
import { huggingFaceToken } from "./web/hugging-face.ts";

export function ownCredentials(environment: NodeJS.ProcessEnv): CredentialsFor {
  const keysOfRole = roleCredentials(environment);
  return async (candidate) => {
    if (candidate.type === "s3") {
      const own = awsCredentials(environment);
      if (own.aws !== undefined || keysOfRole === undefined) return own;
      return { aws: await keysOfRole(candidate.region) };
    }
    if (candidate.type !== "huggingFace") return {};
    const token = await huggingFaceToken(environment);
    return token === undefined ? {} : bearer(token);
  };
}
