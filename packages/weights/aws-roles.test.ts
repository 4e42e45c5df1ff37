import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { AwsOfOneRole, REGION, ROLE } from "../../test/support/aws-roles.ts";
import { sampleGguf } from "../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { fetchInto } from "../../test/support/weights-fetch.ts";
import { roleCredentials } from "./aws/role-credentials.ts";
import { inspectWeights } from "./inspect-weights.ts";

const MODEL = sampleGguf();

/** As EKS's webhook does it to a pod of a ServiceAccount with a role. */
async function asServiceAccount(folder: TemporaryFolder, aws: AwsOfOneRole, token = aws.token) {
  const tokenFile = folder.file("token");
  await writeFile(tokenFile, `${token}\n`);
  return {
    AWS_ROLE_ARN: ROLE,
    AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL_STS: aws.origin,
  };
}

test("a ServiceAccount's token is exchanged for keys, which a store accepts", async () => {
  await using folder = await TemporaryFolder.create();
  await using aws = await AwsOfOneRole.start(MODEL);
  const environment = await asServiceAccount(folder, aws);
  const weights = await fetchInto(folder, aws.source(), { environment });
  assert.deepEqual(await readFile(weights.path), MODEL);
  assert.deepEqual(aws.shown, [
    {
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: ROLE,
      RoleSessionName: "localmodel",
      WebIdentityToken: aws.token,
    },
  ]);
});

test("a header is inspected with the keys of a role too", async () => {
  await using folder = await TemporaryFolder.create();
  await using aws = await AwsOfOneRole.start(MODEL);
  const environment = await asServiceAccount(folder, aws);
  const { sizeBytes } = await inspectWeights(aws.source(), { environment });
  assert.equal(sizeBytes, MODEL.length);
});

test("a role that does not trust the ServiceAccount is said by name, without what it was shown", async () => {
  await using folder = await TemporaryFolder.create();
  await using aws = await AwsOfOneRole.start(MODEL);
  const environment = await asServiceAccount(folder, aws, "of-somebody-else");
  await assert.rejects(fetchInto(folder, aws.source(), { environment }), (error: Error) => {
    assert.match(
      error.message,
      /gives no keys for the role arn:aws:iam::123456789012:role\/models/,
    );
    assert.match(error.message, /AccessDenied \(403\); the role's trust policy has to name/);
    assert.doesNotMatch(error.message, /of-somebody-else|not for you/);
    return "reason" in error && error.reason === "Unauthorized";
  });
});

test("a token that is not there yet is waited for as a Secret is", async () => {
  await using folder = await TemporaryFolder.create();
  await using aws = await AwsOfOneRole.start(MODEL);
  const known = await asServiceAccount(folder, aws);
  const environment = { ...known, AWS_WEB_IDENTITY_TOKEN_FILE: folder.file("missing") };
  await assert.rejects(fetchInto(folder, aws.source(), { environment }), {
    reason: "SecretMissing",
    message: /there is no token in .*missing, which AWS_WEB_IDENTITY_TOKEN_FILE names/,
  });
});

test("a service that does not answer may answer later", async () => {
  await using folder = await TemporaryFolder.create();
  await using aws = await AwsOfOneRole.start(MODEL);
  const known = await asServiceAccount(folder, aws);
  const environment = { ...known, AWS_ENDPOINT_URL_STS: "http://127.0.0.1:1" };
  await assert.rejects(fetchInto(folder, aws.source(), { environment }), {
    reason: "SourceUnavailable",
    message: /no keys for S3: no connection to 127\.0\.0\.1:1/,
  });
});

test("keys are kept until shortly before their end, and the token is read anew for the next", async () => {
  await using folder = await TemporaryFolder.create();
  await using aws = await AwsOfOneRole.start(MODEL);
  const keysOf = roleCredentials(await asServiceAccount(folder, aws));
  const first = await keysOf?.(REGION);
  assert.deepEqual(await keysOf?.(REGION), first);
  assert.equal(aws.shown.length, 1);

  aws.lendsForMs = 60_000;
  aws.token = "replaced";
  const brief = roleCredentials(await asServiceAccount(folder, aws));
  await brief?.(REGION);
  assert.notDeepEqual(await brief?.(REGION), first);
  assert.equal(aws.shown.length, 3);
});

test("a container's address gives keys to who shows its token", async () => {
  await using folder = await TemporaryFolder.create();
  await using aws = await AwsOfOneRole.start(MODEL);
  await writeFile(folder.file("pod-identity"), aws.token);
  const environment = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.origin}/container`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: folder.file("pod-identity"),
    HTTP_PROXY: "http://127.0.0.1:1",
    NO_PROXY: "",
  };
  const keys = await roleCredentials(environment)?.(REGION);
  assert.deepEqual(keys, {
    accessKeyId: "ASIA1",
    secretAccessKey: "secret/1+",
    sessionToken: "session/1==",
  });
  const otherwise = { ...environment, AWS_CONTAINER_AUTHORIZATION_TOKEN: "wrong" };
  const { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: _file, ...wrong } = otherwise;
  await assert.rejects(roleCredentials(wrong)?.(REGION) ?? Promise.resolve(), {
    reason: "Unauthorized",
    message: /gives no keys for S3: status 401/,
  });
});

test("a container's token goes to no other machine unencrypted", async () => {
  const environment = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://keys.example/container",
    AWS_CONTAINER_AUTHORIZATION_TOKEN: "secret",
  };
  await assert.rejects(roleCredentials(environment)?.(REGION) ?? Promise.resolve(), {
    reason: "InvalidSource",
    message: /has to be an https URL, or an http URL of this machine/,
  });
});

test("a machine's role is asked for only where that is said", async () => {
  await using folder = await TemporaryFolder.create();
  await using aws = await AwsOfOneRole.start(MODEL);
  const endpoint = { AWS_EC2_METADATA_SERVICE_ENDPOINT: `${aws.origin}/` };
  assert.equal(roleCredentials(endpoint), undefined);
  const environment = { ...endpoint, AWS_EC2_METADATA_DISABLED: "false" };
  const weights = await fetchInto(folder, aws.source(), { environment });
  assert.deepEqual(await readFile(weights.path), MODEL);
});

test("keys that are said come before those of a role", async () => {
  await using folder = await TemporaryFolder.create();
  await using aws = await AwsOfOneRole.start(MODEL);
  const environment = {
    ...(await asServiceAccount(folder, aws)),
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "wrong",
  };
  await assert.rejects(fetchInto(folder, aws.source(), { environment }), {
    reason: "Unauthorized",
    message: /check the credentials/,
  });
  assert.deepEqual(aws.shown, []);
});
