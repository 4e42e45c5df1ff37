import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { FileServer } from "../../../test/support/file-server.ts";
import { partialHas } from "../../../test/support/partial-files.ts";
import { sampleGguf } from "../../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { fetchInto } from "../../../test/support/weights-fetch.ts";
import { nextLeg } from "./redirects.ts";

const MODEL = sampleGguf();
const SECRETS = { authorization: "Bearer secret", cookie: "session=secret", "x-api-key": "secret" };

const FIRST = { count: 0, fromPrivate: false };

test("credentials follow a redirect within their host and never to another, nor back from there", async () => {
  await using folder = await TemporaryFolder.create();
  await using server = await FileServer.start(({ path }) => {
    const away = server.origin("localhost");
    const hops: Record<string, string> = {
      "/model.gguf": "/same-host",
      "/same-host": `${away}/other-host`,
      "/other-host": `${server.origin()}/back`,
    };
    const location = hops[path];
    return location === undefined ? { body: MODEL } : { status: 302, headers: { location } };
  });
  const source = { http: { url: server.url("/model.gguf") } };
  const weights = await fetchInto(folder, source, {
    credentialsFor: async () => ({ headers: SECRETS }),
  });
  assert.deepEqual(await readFile(weights.path), MODEL);
  const withSecrets = server.seen.map(({ headers }) =>
    Object.entries(SECRETS).map(([name, value]) => headers[name] === value),
  );
  assert.deepEqual(withSecrets, [
    [true, true, true],
    [true, true, true],
    [false, false, false],
    [false, false, false],
  ]);
  assert.equal(JSON.stringify(server.seen[2]?.headers).includes("secret"), false);
});

test("every kind of redirect is followed, and the range goes along", async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    await using folder = await TemporaryFolder.create();
    let isFirst = true;
    await using server = await FileServer.start(({ path }) => {
      if (path === "/model.gguf") return { status, headers: { location: "cdn/file?sig=1" } };
      if (!isFirst) return { body: MODEL };
      isFirst = false;
      return { body: MODEL, cutAfter: 30_000, cutWhen: () => partialHas(folder, 30_000) };
    });
    const weights = await fetchInto(folder, { http: { url: server.url("/model.gguf") } });
    assert.deepEqual(await readFile(weights.path), MODEL);
    assert.equal(server.seen[1]?.path, "/cdn/file?sig=1");
    const ranges = server.seen.map((seen) => seen.headers.range);
    assert.deepEqual(ranges, [undefined, undefined, "bytes=30000-", "bytes=30000-"]);
  }
});

test("redirects that lead nowhere end with an error that says where they stopped", async () => {
  const cases = [
    [{ location: "/model.gguf" }, /10 redirects, and it redirects again/],
    [{ location: "file:///etc/passwd" }, /redirects to what is no http or https URL/],
    [{}, /redirects without saying where to/],
  ] as const;
  for (const [headers, message] of cases) {
    await using folder = await TemporaryFolder.create();
    await using server = await FileServer.start(() => ({ status: 302, headers }));
    const failed = fetchInto(folder, { http: { url: server.url("/model.gguf") } });
    await assert.rejects(failed, { reason: "SourceUnavailable", message });
  }
});

test("a redirect from https to http is refused while credentials are on board", () => {
  const target = "http://models.example/file?token=t";
  const refused = nextLeg({ url: "https://models.example/", credentials: SECRETS }, target, FIRST);
  assert.equal(refused.kind, "refuse");
  assert.equal(JSON.stringify(refused).includes("token"), false);
  const followed = nextLeg({ url: "https://models.example/", credentials: {} }, target, FIRST);
  const leg = { url: target, credentials: {} };
  assert.deepEqual(followed, { kind: "follow", leg, reach: "public" });
});

test("another port or scheme is another host, and a URL's own credentials are dropped", () => {
  const from = { url: "https://models.example/a", credentials: SECRETS };
  const leg = (location: string) => {
    const next = nextLeg(from, location, FIRST);
    return next.kind === "follow" ? next.leg : next;
  };
  assert.deepEqual(leg("https://models.example:8443/a"), {
    url: "https://models.example:8443/a",
    credentials: {},
  });
  assert.deepEqual(leg("https://user:password@models.example/b#c"), {
    url: "https://models.example/b",
    credentials: SECRETS,
  });
});
