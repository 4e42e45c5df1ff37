/**
 * The credentials of whoever runs this process, as the tools of each source would find them.
 */
import { awsCredentials, bearer, type CredentialsFor } from "./source/credentials.ts";
import { huggingFaceToken } from "./web/hugging-face.ts";

export function ownCredentials(environment: NodeJS.ProcessEnv): CredentialsFor {
  return async ({ type }) => {
    if (type === "s3") return awsCredentials(environment);
    if (type !== "huggingFace") return {};
    const token = await huggingFaceToken(environment);
    return token === undefined ? {} : bearer(token);
  };
}
