import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { FileServer } from "../../test/support/file-server.ts";
import { partialHas } from "../../test/support/partial-files.ts";
import { sampleGguf, sha256Of } from "../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { fetchInto } from "../../test/support/weights-fetch.ts";
import { networkFailure } from "./http/network-failure.ts";
import { isTransient, type WeightsError } from "./source/weights-error.ts";

const MODEL = sampleGguf();
const OTHER = sampleGguf({ seed: 2 });
const SHA256 = sha256Of(MODEL);
/** Reserved: no name below it exists anywhere (RFC 6761). */
const NOWHERE = "http://models.invalid/model.gguf";
const REFUSED = "http://127.0.0.1:1/model.gguf";

test("mirrors are tried in order until one has the right bytes", async () => {
  await using folder = await TemporaryFolder.create();
  await using server = await FileServer.start(({ path }) => {
    if (path === "/wrong") return { body: OTHER };
    return path === "/right" ? { body: MODEL } : { status: 404 };
  });
  const log: string[] = [];
  const urls = [REFUSED, server.url("/gone"), server.url("/wrong"), server.url("/right")];
  const source = {
    http: { url: NOWHERE },
    sha256: SHA256,
    mirrors: [...urls, server.url("/never")].map((url) => ({ http: { url } })),
  };
  const weights = await fetchInto(folder, source, { log: (message) => log.push(message) });
  assert.deepEqual(await readFile(weights.path), MODEL);
  assert.deepEqual(
    server.seen.map((seen) => seen.path),
    ["/gone", "/wrong", "/right"],
  );
  assert.equal(log.filter((message) => message.includes("trying the next source")).length, 4);
});

test("what a broken primary has delivered is continued from a mirror", async () => {
  await using folder = await TemporaryFolder.create();
  await using server = await FileServer.start(({ path, headers }) => {
    if (path === "/mirror") return { body: MODEL, etag: '"mirror"' };
    if (headers.range !== undefined) return { status: 404 };
    return { body: MODEL, cutAfter: 30_000, cutWhen: () => partialHas(folder, 30_000) };
  });
  const mirrors = [{ http: { url: server.url("/mirror") } }];
  const source = { http: { url: server.url("/primary") }, sha256: SHA256, mirrors };
  const weights = await fetchInto(folder, source);
  assert.deepEqual(await readFile(weights.path), MODEL);
  const [, second, third] = server.seen;
  assert.equal(second?.headers.range, "bytes=30000-");
  assert.equal(third?.headers.range, "bytes=30000-");
  assert.equal(third?.headers["if-range"], undefined, "the primary's validator means nothing here");
});

test("the final error lists what every source answered, without the secrets in their URLs", async () => {
  await using folder = await TemporaryFolder.create();
  await using server = await FileServer.start(() => ({ status: 404 }));
  const error = await fetchInto(
    folder,
    {
      http: { url: NOWHERE },
      sha256: SHA256,
      mirrors: [
        { http: { url: REFUSED } },
        { http: { url: server.url("/gone?signature=secret") } },
        { image: { reference: "registry.example/models:1", path: "a.gguf" } },
        { pythonPackage: { name: "weights", version: "1", path: "a.gguf" } },
      ],
    },
    { environment: { PATH: folder.path } },
  ).then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason as WeightsError,
  );
  assert.equal(error.reason, "NotFound");
  assert.deepEqual(
    error.attempts.map(({ source, reason }) => [source, reason]),
    [
      ["http", "SourceUnavailable"],
      ["http", "SourceUnavailable"],
      ["http", "NotFound"],
      ["image registry.example/models:1 a.gguf", "Unsupported"],
      ["pythonPackage weights==1/a.gguf", "SourceUnavailable"],
    ],
  );
  assert.match(error.message, /^none of 5 sources delivered the weights:\n/);
  assert.match(
    error.message,
    /http:\/\/models\.invalid\/model\.gguf: could not resolve the host name models\.invalid/,
  );
  assert.match(
    error.message,
    /http:\/\/127\.0\.0\.1:1\/model\.gguf: no connection to 127\.0\.0\.1:1 \(ECONNREFUSED\)/,
  );
  assert.match(error.message, /\/gone\?…: status 404/);
  assert.match(error.message, /only in a Kubernetes cluster/);
  assert.match(error.message, /install Python 3/);
  assert.doesNotMatch(error.message, /secret/);
});

test("the host that failed is named, not the one that redirected to it", async () => {
  await using folder = await TemporaryFolder.create();
  const headers = { location: "http://cdn.invalid/model.gguf" };
  await using server = await FileServer.start(() => ({ status: 302, headers }));
  const failed = fetchInto(folder, { http: { url: server.url("/model.gguf") } });
  await assert.rejects(failed, /could not resolve the host name cdn\.invalid/);
});

test("sources that only a cluster has are refused with where they work", async () => {
  await using folder = await TemporaryFolder.create();
  const sources = [
    { persistentVolumeClaim: { claimName: "models", path: "a.gguf" } },
    { image: { reference: "registry.example/models:1", path: "a.gguf" } },
  ];
  for (const source of sources) {
    const failed = fetchInto(folder, source);
    await assert.rejects(failed, {
      reason: "Unsupported",
      message: /work only in a Kubernetes cluster/,
    });
  }
});

test("requests go through the proxy of the environment, except where NO_PROXY says", async () => {
  await using folder = await TemporaryFolder.create();
  await using server = await FileServer.start(() => ({ body: MODEL }));
  const asked: string[] = [];
  const proxy = createServer();
  const refuse = (target: string | undefined): void => void asked.push(target ?? "");
  proxy.on("request", ({ url }, response) => (refuse(url), response.writeHead(403).end()));
  proxy.on(
    "connect",
    ({ url }, socket) => (refuse(url), socket.end("HTTP/1.1 403 Forbidden\r\n\r\n")),
  );
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    const HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const proxied = fetchInto(folder, { http: { url: NOWHERE } }, { environment: { HTTP_PROXY } });
    await assert.rejects(proxied, { name: "WeightsError" });
    assert.match(asked[0] ?? "", /models\.invalid/);

    const environment = { HTTP_PROXY, NO_PROXY: "127.0.0.1" };
    await fetchInto(folder, { http: { url: server.url("/model.gguf") } }, { environment });
    assert.equal(
      asked.some((target) => target.includes("/model.gguf") && target.includes("127.0.0.1")),
      false,
    );
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

test("a certificate nobody vouches for is not tried again, and the setting is named", () => {
  const error = Object.assign(new Error("self-signed"), { code: "SELF_SIGNED_CERT_IN_CHAIN" });
  const failure = networkFailure(new Error("request failed", { cause: error }), "models.example");
  assert.equal(failure?.kind, "refused");
  assert.match(failure.message, /models\.example.*NODE_EXTRA_CA_CERTS/);
});

test("an error that is not the network's is not taken for one", () => {
  assert.equal(networkFailure(new TypeError("a defect"), "models.example"), undefined);
  const denied = Object.assign(new Error("denied"), { code: "EACCES" });
  assert.equal(networkFailure(denied, "models.example"), undefined);
});

test("only what may pass by itself is called transient", () => {
  assert.equal(isTransient("SourceUnavailable"), true);
  assert.equal(isTransient("ChecksumMismatch"), false);
  assert.equal(isTransient("NotFound"), false);
});

test("a file is used where it lies, and only hashed when a checksum asks for it", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("my model.gguf");
  await writeFile(path, MODEL);
  const phases: string[] = [];
  const onProgress = ({ phase }: { phase: string }): unknown => phases.push(phase);
  const plain = await fetchInto(folder, { file: { path } }, { onProgress });
  assert.deepEqual(plain, { path, sizeBytes: MODEL.length, parts: [path], pinned: [] });
  assert.deepEqual(phases, []);
  const source = { file: { path }, sha256: SHA256 };
  assert.equal((await fetchInto(folder, source, { onProgress })).sha256, SHA256);
  assert.notEqual(phases.length, 0);
  phases.length = 0;
  await fetchInto(folder, source, { onProgress });
  assert.deepEqual(phases, [], "the same file is not hashed twice");
  await writeFile(path, OTHER);
  await assert.rejects(fetchInto(folder, source), { reason: "ChecksumMismatch" });
});

test("a file that is not there, not readable as a model or no file is told apart", async () => {
  await using folder = await TemporaryFolder.create();
  await writeFile(folder.file("page.gguf"), "<html>");
  await writeFile(folder.file("half.gguf"), MODEL.subarray(0, 20_000));
  const cases = [
    ["missing.gguf", "NotFound", /there is no file .*missing\.gguf/],
    ["page.gguf", "NotAGguf", /web page/],
    ["half.gguf", "Truncated", /20000 bytes, its header describes/],
    [".", "NotAGguf", /is not a file/],
  ] as const;
  for (const [name, reason, message] of cases) {
    const failed = fetchInto(folder, { file: { path: folder.file(name) } });
    await assert.rejects(failed, { reason, message });
  }
});

test("a file that is missing or wrong is made up for by a mirror", async () => {
  await using folder = await TemporaryFolder.create();
  await using server = await FileServer.start(() => ({ body: MODEL }));
  await writeFile(folder.file("old.gguf"), OTHER);
  for (const name of ["missing.gguf", "old.gguf"]) {
    const weights = await fetchInto(folder, {
      file: { path: folder.file(name) },
      sha256: SHA256,
      mirrors: [{ http: { url: server.url("/model.gguf") } }],
    });
    assert.deepEqual(await readFile(weights.path), MODEL);
  }
  assert.equal(server.seen.length, 1);
});
