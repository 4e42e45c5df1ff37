import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { FileServer, type Script } from "../../test/support/file-server.ts";
import { sampleGguf, sha256Of } from "../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { fetchInto } from "../../test/support/weights-fetch.ts";
import { huggingFaceToken, huggingFaceUrl } from "./web/hugging-face.ts";

const MODEL = sampleGguf();
const OTHER = sampleGguf({ seed: 2 });
const COMMIT = "ab810cf68114990406fdf996510dd3d3c6adbdf5";

/** The Hub: describes a file on the redirect, and keeps it on another host. */
function hub(server: () => FileServer, body = MODEL, linked = sha256Of(body)): Script {
  return ({ path }) => {
    if (path.startsWith("/cdn")) return { body, etag: '"cdn"' };
    const headers = {
      location: `${server().origin("localhost")}/cdn?X-Signature=secret`,
      "x-linked-etag": `"${linked}"`,
      "x-linked-size": String(body.length),
      "x-repo-commit": COMMIT,
    };
    return { status: 302, etag: null, headers };
  };
}

async function setUp(revision: string) {
  const folder = await TemporaryFolder.create();
  const server: FileServer = await FileServer.start(hub(() => server));
  return {
    folder,
    server,
    source: { huggingFace: { repo: "owner/name", file: "a b/model.gguf", revision } },
    environment: { HF_ENDPOINT: `${server.origin()}/`, HF_TOKEN: "hf_secret" },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("a file of the Hub is asked for with the token, and its storage without", async () => {
  await using it = await setUp("main");
  const weights = await fetchInto(it.folder, it.source, { environment: it.environment });
  assert.deepEqual(await readFile(weights.path), MODEL);
  assert.equal(it.server.seen[0]?.path, "/owner/name/resolve/main/a%20b/model.gguf");
  assert.equal(it.server.seen[0]?.headers.authorization, "Bearer hf_secret");
  assert.equal(it.server.seen[1]?.headers.authorization, undefined);
});

test("the Hub's checksum is verified although the source has none", async () => {
  await using it = await setUp("main");
  it.server.script = hub(() => it.server, OTHER, sha256Of(MODEL));
  const failed = fetchInto(it.folder, it.source, { environment: it.environment });
  await assert.rejects(failed, { reason: "ChecksumMismatch" });
});

test("a checksum the Hub contradicts is reported before a byte is downloaded", async () => {
  await using it = await setUp("main");
  const source = { ...it.source, sha256: sha256Of(OTHER) };
  const failed = fetchInto(it.folder, source, { environment: it.environment });
  await assert.rejects(failed, {
    reason: "ChecksumMismatch",
    message: new RegExp(`has a file with sha256 ${sha256Of(MODEL)}.*asks for ${sha256Of(OTHER)}`),
  });
});

test("a pinned commit is never asked about again; a branch is, by the Hub's checksum", async () => {
  for (const [revision, requests] of [
    [COMMIT, 0],
    ["main", 2],
  ] as const) {
    await using it = await setUp(revision);
    const options = { environment: it.environment };
    await fetchInto(it.folder, it.source, options);
    const before = it.server.seen.length;
    await fetchInto(it.folder, it.source, options);
    assert.equal(it.server.seen.length - before, requests);
  }
  await using it = await setUp("main");
  const options = { environment: it.environment };
  await fetchInto(it.folder, it.source, options);
  it.server.script = hub(() => it.server, OTHER);
  const weights = await fetchInto(it.folder, it.source, options);
  assert.equal(weights.sha256, sha256Of(OTHER));
});

test("HF_HUB_OFFLINE uses what is in the cache and asks nobody", async () => {
  await using it = await setUp("main");
  const offline = { environment: { ...it.environment, HF_HUB_OFFLINE: "1" } };
  const failed = fetchInto(it.folder, it.source, offline);
  await assert.rejects(failed, { message: /owner\/name@main.*not in the cache.*HF_HUB_OFFLINE/ });
  assert.equal(it.server.seen.length, 0);
  await fetchInto(it.folder, it.source, { environment: it.environment });
  const before = it.server.seen.length;
  assert.equal((await fetchInto(it.folder, it.source, offline)).sha256, sha256Of(MODEL));
  assert.equal(it.server.seen.length, before);
});

test("what the Hub refuses is explained by its own code", async () => {
  const cases = [
    [401, "RepoNotFound", "NotFound", /no such repository, or it is private.*HF_TOKEN/],
    [403, "GatedRepo", "Unauthorized", /accept its terms/],
    [404, "EntryNotFound", "NotFound", /no such file/],
    [404, "RevisionNotFound", "NotFound", /no such revision/],
  ] as const;
  for (const [status, code, reason, message] of cases) {
    await using it = await setUp("main");
    it.server.script = () => ({ status, headers: { "x-error-code": code } });
    const failed = fetchInto(it.folder, it.source, { environment: it.environment });
    await assert.rejects(failed, { reason, message });
  }
});

test("neither tokens nor signatures show up in an error", async () => {
  await using it = await setUp("main");
  const script = it.server.script;
  it.server.script = (seen, index) =>
    seen.path.startsWith("/cdn") ? { status: 403 } : script(seen, index);
  const failed = fetchInto(it.folder, it.source, { environment: it.environment });
  await assert.rejects(failed, (error: Error) => {
    assert.match(error.message, /localhost:\d+: status 403/);
    assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, /secret/);
    return true;
  });
});

test("a revision is one segment of the URL and a file is as many as it has", () => {
  const source = {
    type: "huggingFace",
    repo: "owner/name",
    file: "q4/a#1.gguf",
    revision: "refs/pr/1",
  } as const;
  assert.equal(
    huggingFaceUrl(source, {}),
    "https://huggingface.co/owner/name/resolve/refs%2Fpr%2F1/q4/a%231.gguf",
  );
  assert.match(
    huggingFaceUrl(source, { HF_ENDPOINT: "https://hub.example/" }),
    /^https:\/\/hub\.example\/owner/,
  );
});

test("the token is where the Hub's own tools look for it, in their order", async () => {
  await using folder = await TemporaryFolder.create();
  await writeFile(folder.file("token"), "from-file\n");
  const token = (environment: Record<string, string>) => huggingFaceToken(environment, folder.path);
  const home = { HF_HOME: folder.path };
  assert.equal(await token({ ...home, HF_TOKEN: "a", HUGGING_FACE_HUB_TOKEN: "b" }), "a");
  assert.equal(await token({ ...home, HUGGING_FACE_HUB_TOKEN: " b " }), "b");
  assert.equal(await token(home), "from-file");
  assert.equal(await token({ HF_TOKEN_PATH: folder.file("token") }), "from-file");
  assert.equal(await token({}), undefined);
  assert.equal(await token({ ...home, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }), undefined);
});
