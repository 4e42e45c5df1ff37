/**
 * Downloads that are redirected into a private network. There is no internet here: two addresses of loopback stand for
 * a public host and a private one, with names of their own.
 */
import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { readFile } from "node:fs/promises";
import { suite, test, type TestContext } from "node:test";
import { FileServer, type Script } from "../../../test/support/file-server.ts";
import { sampleGguf } from "../../../test/support/sample-gguf.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { fetchInto } from "../../../test/support/weights-fetch.ts";
import { isPrivateAddress } from "./private-address.ts";
import type { Network } from "./reach.ts";

const PUBLIC = "127.0.0.1";
const PRIVATE = "127.0.0.2";
const MODEL = sampleGguf();
const SECRET = "very-secret-token";

/** `names`: addresses of each name, one answer after the other; the last one stays. */
function networkOf(names: Readonly<Record<string, readonly (readonly string[])[]>>) {
  const asked: string[] = [];
  const lookup = (name: string, _: unknown, done: (...answer: unknown[]) => void): void => {
    const answers = names[name] ?? [];
    const count = asked.push(name) && asked.filter((one) => one === name).length;
    const addresses = answers[Math.min(count, answers.length) - 1];
    if (addresses === undefined) return done(Object.assign(new Error(name), { code: "ENOTFOUND" }));
    const found: LookupAddress[] = addresses.map((address) => ({ address, family: 4 }));
    return done(null, found);
  };
  const network = {
    lookup: lookup as unknown as Network["lookup"],
    isPrivate: (address: string) => address === PRIVATE,
  };
  return { network, asked };
}

async function setUp(target: (ports: { inside: number; outside: number }) => string) {
  const folder = await TemporaryFolder.create();
  const inside = await FileServer.start(
    () => ({ body: Buffer.from(`{"key":"${SECRET}"}`) }),
    PRIVATE,
  );
  const outside: FileServer = await FileServer.start(({ path }) => {
    if (path === "/file") return { body: MODEL };
    const location = target({ inside: inside.port, outside: outside.port });
    return { status: 302, headers: { location } };
  });
  return {
    folder,
    inside,
    outside,
    source: (host: string) => ({ http: { url: `http://${host}:${outside.port}/model.gguf` } }),
    async [Symbol.asyncDispose]() {
      await inside[Symbol.asyncDispose]();
      await outside[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const withinItself: Script = ({ path }) =>
  path === "/file" ? { body: MODEL } : { status: 302, headers: { location: "/file" } };

/** Reaches whatever it is asked for. */
async function proxyFor(t: TestContext) {
  const asked: string[] = [];
  const proxy = createServer(({ url = "", headers }, res) => {
    asked.push(new URL(url).host);
    request(url, { headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    }).end();
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { asked, url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
}

suite("a redirect into a private network", { skip: process.platform !== "linux" }, () => {
  const targets = {
    "to an address": ({ inside }: { inside: number }) => `http://${PRIVATE}:${inside}/${SECRET}`,
    "to an address, written in another way": ({ inside }: { inside: number }) =>
      `http://2130706434:${inside}/${SECRET}`,
    "to a name": ({ inside }: { inside: number }) => `http://inside.test:${inside}/${SECRET}`,
  };
  test("to an address is refused behind a proxy, too, which is not asked for it", async (t) => {
    await using it = await setUp(targets["to an address"]);
    const { asked, url } = await proxyFor(t);
    const { network } = networkOf({});
    const environment = { HTTP_PROXY: url };
    const source = it.source(PUBLIC);
    await assert.rejects(fetchInto(it.folder, source, { environment, network }), /private network/);
    assert.deepEqual(asked, [`${PUBLIC}:${it.outside.port}`]);
  });

  for (const [name, target] of Object.entries(targets)) {
    test(`${name} is refused, and nobody there is asked`, async () => {
      await using it = await setUp(target);
      const { network } = networkOf({ "models.test": [[PUBLIC]], "inside.test": [[PRIVATE]] });
      await assert.rejects(fetchInto(it.folder, it.source("models.test"), { network }), (error) => {
        assert.ok(error instanceof Error);
        assert.match(
          error.message,
          /models\.test:\d+ redirects to .*, which is in a private network/,
        );
        assert.doesNotMatch(error.message, new RegExp(SECRET));
        return true;
      });
      assert.equal(it.inside.seen.length, 0);
    });
  }

  test("is connected to no other address than the one that was looked at", async () => {
    await using it = await setUp(({ outside }) => `http://flips.test:${outside}/file`);
    const { network, asked } = networkOf({
      "models.test": [[PUBLIC]],
      "flips.test": [[PUBLIC], [PRIVATE]],
    });
    const { path } = await fetchInto(it.folder, it.source("models.test"), { network });
    assert.deepEqual(await readFile(path), MODEL);
    assert.deepEqual(asked, ["models.test", "flips.test"]);
  });

  test("is led to the public addresses of a name that has both", async () => {
    await using it = await setUp(({ outside }) => `http://both.test:${outside}/file`);
    const { network } = networkOf({
      "models.test": [[PUBLIC]],
      "both.test": [[PRIVATE, PUBLIC]],
    });
    const { path } = await fetchInto(it.folder, it.source("models.test"), { network });
    assert.deepEqual(await readFile(path), MODEL);
  });

  test("is followed from a private host, as file servers of a cluster do", async () => {
    await using folder = await TemporaryFolder.create();
    await using inside = await FileServer.start(withinItself, PRIVATE);
    const { network } = networkOf({ "files.models.svc": [[PRIVATE]] });
    for (const host of ["files.models.svc", PRIVATE]) {
      const url = `http://${host}:${inside.port}/model.gguf`;
      const { path } = await fetchInto(folder, { http: { url } }, { network });
      assert.deepEqual(await readFile(path), MODEL);
    }
  });

  test("is followed where the platform names that host, but not for a whole domain", async () => {
    await using it = await setUp(({ inside }) => `http://files.inside.test:${inside}/file`);
    it.inside.script = () => ({ body: MODEL });
    const names = { "models.test": [[PUBLIC]], "files.inside.test": [[PRIVATE]] };
    const { network } = networkOf(names);
    const source = it.source("models.test");
    await assert.rejects(
      fetchInto(it.folder, source, { network, sourceHosts: ["*.inside.test"] }),
      /in a private network/,
    );
    const sourceHosts = ["files.inside.test"];
    const { path } = await fetchInto(it.folder, source, { network, sourceHosts });
    assert.deepEqual(await readFile(path), MODEL);
  });

  test("and any other is held to the hosts that the platform allows", async () => {
    await using it = await setUp(({ outside }) => `http://evil.test:${outside}/file`);
    const { network } = networkOf({ "models.test": [[PUBLIC]], "evil.test": [[PUBLIC]] });
    const source = it.source("models.test");
    await assert.rejects(fetchInto(it.folder, source, { network, sourceHosts: ["models.test"] }), {
      message:
        /models\.test:\d+ redirects to evil\.test:\d+, which is none of the hosts that this platform allows: models\.test/,
    });
    const sourceHosts = ["models.test", "*.test"];
    const { path } = await fetchInto(it.folder, source, { network, sourceHosts });
    assert.deepEqual(await readFile(path), MODEL);
  });

  test("what a service answers is not repeated, whoever it is", async () => {
    await using it = await setUp(() => "/nowhere");
    const url = `http://${PRIVATE}:${it.inside.port}/model.gguf`;
    const scripts: readonly Script[] = [
      () => ({ body: Buffer.from(`{"key":"${SECRET}"}`) }),
      () => ({ body: Buffer.from(`<html><title>${SECRET}</title>`) }),
      () => ({ body: Buffer.from(SECRET) }),
      () => ({ status: 403, headers: { "x-error-message": SECRET } }),
      () => ({ headers: { "content-encoding": SECRET } }),
      () => ({ status: 400, headers: { "x-amz-bucket-region": SECRET } }),
      () => ({ status: 302, headers: { location: `ftp://${SECRET}/` } }),
      ({ path }) =>
        path === `/${SECRET}`
          ? { status: 404 }
          : { status: 302, headers: { location: `/${SECRET}` } },
    ];
    for (const script of scripts) {
      it.inside.script = script;
      await assert.rejects(fetchInto(it.folder, { http: { url } }), (error) => {
        assert.doesNotMatch(String(error), new RegExp(SECRET));
        assert.doesNotMatch(
          String(error),
          new RegExp(Buffer.from(SECRET).toString("hex").slice(0, 16)),
        );
        return true;
      });
    }
  });
});

test("addresses that only mean something inside are told from those of the internet", () => {
  const inside = `
  127.0.0.1 127.255.255.255 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1
  169.254.169.254 100.64.0.1 100.100.100.200 0.0.0.0 224.0.0.1 255.255.255.255 ::1 ::
  fe80::1 fe80::1%eth0 fd00::1 fc00::1 ff02::1 fec0::1 ::ffff:127.0.0.1 ::ffff:a00:1
  ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::10.1.2.3 64:ff9b:1::1
  2002:7f00:1:: 2001:0:1:: ::ffff:0:127.0.0.1 ::ffff:0:7f00:1 168.63.129.16 192.88.99.1
`
    .trim()
    .split(/\s+/);
  const outside = `
  8.8.8.8 172.32.0.1 172.15.255.255 100.63.0.1 100.128.0.1 192.0.1.1 2606:4700::1111
  2a00:1450:4001::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2001:4860::1
`
    .trim()
    .split(/\s+/);
  for (const address of inside) assert.ok(isPrivateAddress(address), address);
  for (const address of outside) assert.ok(!isPrivateAddress(address), address);
  assert.equal(isPrivateAddress("localhost"), false);
});
