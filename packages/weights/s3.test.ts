import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { type Answer, FileServer, type Seen } from "../../test/support/file-server.ts";
import { isSigned } from "../../test/support/signed-by.ts";
import { partialHas } from "../../test/support/partial-files.ts";
import { sampleGguf, sha256Of } from "../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { fetchInto } from "../../test/support/weights-fetch.ts";
import { s3Url, signedHeaders } from "./web/s3.ts";

const MODEL = sampleGguf();
const KEYS = {
  AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  AWS_SESSION_TOKEN: "temporary",
};
const KEY = "models/a b+c(1)/ü.gguf";
const REGION = "eu-central-1";

/** A store with one object, which only the owner of KEYS may read. */
function store(answer: (seen: Seen) => Answer = () => ({ body: MODEL })) {
  return FileServer.start((seen) => {
    if (isSigned(seen, { secret: KEYS.AWS_SECRET_ACCESS_KEY, region: REGION })) return answer(seen);
    return { status: 403, headers: { "x-amz-request-id": "1" } };
  });
}

function sourceOf(server: FileServer, key = KEY) {
  const endpoint = server.origin();
  return { s3: { bucket: "weights", key, region: REGION, endpoint, addressing: "path" as const } };
}

test("an object is asked for with a signature that the store accepts", async () => {
  await using folder = await TemporaryFolder.create();
  await using server = await store();
  const weights = await fetchInto(folder, sourceOf(server), { environment: KEYS });
  assert.deepEqual(await readFile(weights.path), MODEL);
  assert.equal(server.seen[0]?.path, "/weights/models/a%20b%2Bc%281%29/%C3%BC.gguf");
  assert.equal(server.seen[0]?.headers["x-amz-security-token"], "temporary");
});

test("a download that is continued is signed again", async () => {
  await using folder = await TemporaryFolder.create();
  let isFirst = true;
  await using server = await store(() => {
    const cut = isFirst && { cutAfter: 20_000, cutWhen: () => partialHas(folder, 20_000) };
    isFirst = false;
    return { body: MODEL, ...cut };
  });
  const weights = await fetchInto(folder, sourceOf(server), { environment: KEYS });
  assert.equal(weights.sha256, sha256Of(MODEL));
  assert.equal(server.seen[1]?.headers.range, "bytes=20000-");
});

test("wrong keys end with what to check", async () => {
  await using folder = await TemporaryFolder.create();
  await using server = await store();
  const environment = { ...KEYS, AWS_SECRET_ACCESS_KEY: "wrong" };
  await assert.rejects(fetchInto(folder, sourceOf(server), { environment }), {
    reason: "Unauthorized",
    message: /check the credentials, the region, the bucket and the key/,
  });
  assert.equal(server.seen.length, 1);
});

test("without keys a public bucket is asked anonymously", async () => {
  await using folder = await TemporaryFolder.create();
  await using server = await FileServer.start(() => ({ body: MODEL }));
  await fetchInto(folder, sourceOf(server));
  assert.equal(server.seen[0]?.headers.authorization, undefined);
  assert.equal(server.seen[0]?.headers["x-amz-date"], undefined);
});

test("a signature is not sent to where a store redirects", async () => {
  await using folder = await TemporaryFolder.create();
  await using server = await FileServer.start(({ path }) =>
    path.startsWith("/weights")
      ? { status: 307, headers: { location: `${server.origin("localhost")}/elsewhere` } }
      : { body: MODEL },
  );
  await fetchInto(folder, sourceOf(server), { environment: KEYS });
  assert.equal(server.seen[1]?.headers.authorization, undefined);
  assert.equal(JSON.stringify(server.seen[1]?.headers).includes("temporary"), false);
});

test("a bucket of another region says which", async () => {
  await using folder = await TemporaryFolder.create();
  await using server = await FileServer.start(() => ({
    status: 301,
    headers: { "x-amz-bucket-region": "us-west-2" },
  }));
  await assert.rejects(fetchInto(folder, sourceOf(server), { environment: KEYS }), {
    reason: "InvalidSource",
    message: /region us-west-2; set s3\.region/,
  });
});

test("a bucket is part of the host's name or of the path", () => {
  const object = { type: "s3", bucket: "b", key: "k.gguf", region: "eu-west-1" } as const;
  const virtual = { ...object, addressing: "virtualHost" } as const;
  assert.equal(s3Url(virtual), "https://b.s3.eu-west-1.amazonaws.com/k.gguf");
  const endpoint = "https://minio.example:9000/store/";
  assert.equal(s3Url({ ...virtual, endpoint }), "https://b.minio.example:9000/store/k.gguf");
  const path = { ...object, addressing: "path" } as const;
  assert.equal(s3Url({ ...path, endpoint }), "https://minio.example:9000/store/b/k.gguf");
  const address = { ...virtual, endpoint: "http://127.0.0.1:9000" };
  assert.throws(() => s3Url(address), /set s3\.addressing to path/);
});

test("signatures are made of nothing but the request and the keys", async () => {
  const keys = { accessKeyId: "A", secretAccessKey: "B" };
  const headers = await signedHeaders("https://b.s3.amazonaws.com/k", "us-east-1", keys);
  assert.deepEqual(Object.keys(headers).toSorted(), [
    "authorization",
    "x-amz-content-sha256",
    "x-amz-date",
  ]);
  assert.match(headers["authorization"] ?? "", /Credential=A\/\d{8}\/us-east-1\/s3\/aws4_request/);
});
