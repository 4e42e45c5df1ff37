/**
 * Images from URLs. There is no internet here: two addresses of loopback stand for a public host and a private one, with
 * names of their own.
 */
import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { suite, test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { isPrivateAddress } from "@localmodel/weights/http/private-address.ts";
import { makeCertificate } from "../../../test/support/certificates.ts";
import type { Network } from "@localmodel/weights/http/reach.ts";
import type { FileError } from "../problem.ts";
import { ImageFetcher } from "./image-fetcher.ts";

const PUBLIC = "127.0.0.1";
const PRIVATE = "127.0.0.2";
const IMAGE = Buffer.from("an image");
const authority = makeCertificate({ name: "authority" });
const { signal } = new AbortController();

type Script = (req: IncomingMessage, res: ServerResponse) => void;

const sending: Script = (_req, res) => res.end(IMAGE);
const dripping: Script = (_req, res) => {
  const timer = setInterval(() => res.write("."), 20);
  res.once("close", () => clearInterval(timer));
};
const redirecting =
  (location: string): Script =>
  (_req, res) =>
    res.writeHead(302, { location }).end();

async function serverAt(t: TestContext, address: string, script: Script) {
  const { certificate: cert, key } = makeCertificate({ name: address, issuer: authority });
  const seen: IncomingMessage[] = [];
  const server = createServer({ cert, key }, (req, res) => {
    seen.push(req);
    script(req, res);
  });
  server.listen(0, address);
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

const isPrivate = (address: string) => address === PRIVATE;

/** `names`: addresses of each name, one answer after the other; the last one stays. */
function networkOf(names: Readonly<Record<string, readonly string[]>>): Network {
  const asked = new Map<string, number>();
  const lookup = (name: string, _: unknown, done: (...answer: unknown[]) => void): void => {
    const count = asked.get(name) ?? 0;
    asked.set(name, count + 1);
    const answers = names[name] ?? [];
    const address = answers[Math.min(count, answers.length - 1)];
    if (address === undefined) return done(Object.assign(new Error(name), { code: "ENOTFOUND" }));
    done(null, [{ address, family: 4 } satisfies LookupAddress]);
  };
  return { lookup: lookup as unknown as Network["lookup"], isPrivate };
}

function fetcherOf(
  allowedHosts: readonly string[],
  names: Readonly<Record<string, readonly string[]>> = {},
  timeoutMs?: number,
) {
  return new ImageFetcher({
    allowedHosts,
    network: networkOf(names),
    // The certificates of tests are for an address; whose they are is not what is tested here.
    tls: { ca: authority.certificate, checkServerIdentity: () => undefined },
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
}

function refused(result: Promise<unknown>, code: string, words: RegExp): Promise<void> {
  return assert.rejects(result, ({ problem }: FileError) => {
    assert.equal(problem.code, code);
    assert.match(problem.message, words);
    return true;
  });
}

suite("an image somewhere else", { skip: process.platform !== "linux" }, () => {
  test("is fetched from a host that is allowed, and nothing else goes along", async (t) => {
    const { port, seen } = await serverAt(t, PUBLIC, sending);
    const fetcher = fetcherOf(["*.example.com"], { "images.example.com": [PUBLIC] });
    const bytes = await fetcher.fetch(`https://images.example.com:${port}/a.png?b=c`, signal);
    assert.equal(Buffer.from(bytes).toString(), "an image");
    assert.equal(seen[0]?.url, "/a.png?b=c");
    const names = Object.keys(seen[0].headers).toSorted();
    assert.deepEqual(names, ["accept", "accept-encoding", "connection", "host", "user-agent"]);
  });

  const never: [name: string, url: string, hosts: string[], words: RegExp][] = [
    ["of any host where none is allowed", "https://a.example.com/", [], /not fetched here/],
    ["of another host", "https://evil.test/", ["a.example.com"], /evil\.test is none of the hosts/],
    ["of a host that only ends alike", "https://evilexample.com/", ["*.example.com"], /none of/],
    ["of a domain itself", "https://example.com/", ["*.example.com"], /none of/],
    ["without encryption", "http://a.example.com/", ["a.example.com"], /'https:'/],
    ["in a file", "file:///etc/passwd", ["a.example.com"], /'https:'/],
    ["with a password", "https://u:p@a.example.com/", ["a.example.com"], /password/],
    ["at no URL", "https://", ["a.example.com"], /cannot be read/],
  ];
  for (const [name, url, hosts, words] of never) {
    test(`${name} is not asked for`, async () => {
      await refused(fetcherOf(hosts).fetch(url, signal), "invalid_image_url", words);
    });
  }

  test("of a name that leads inside is not asked for", async (t) => {
    const { port, seen } = await serverAt(t, PRIVATE, sending);
    const fetcher = fetcherOf(["a.example.com", PRIVATE], { "a.example.com": [PRIVATE] });
    for (const host of ["a.example.com", PRIVATE, "2130706434"]) {
      const failed = fetcher.fetch(`https://${host}:${port}/`, signal);
      await refused(failed, "failed_to_download_image", /private network/);
    }
    assert.equal(seen.length, 0);
  });

  test("of a name that changes is asked for where it was looked at", async (t) => {
    const outside = await serverAt(t, PUBLIC, sending);
    const fetcher = fetcherOf(["a.example.com"], { "a.example.com": [PUBLIC, PRIVATE] });
    const bytes = await fetcher.fetch(`https://a.example.com:${outside.port}/`, signal);
    assert.equal(bytes.length, IMAGE.length);
    const again = fetcher.fetch(`https://a.example.com:${outside.port}/`, signal);
    await refused(again, "failed_to_download_image", /private network/);
  });

  test("is followed to a host that is allowed, and to no other", async (t) => {
    const inside = await serverAt(t, PRIVATE, sending);
    const target = await serverAt(t, PUBLIC, sending);
    const names = {
      "a.example.com": [PUBLIC],
      "b.example.com": [PUBLIC],
      "in.example.com": [PRIVATE],
    };
    const fetcher = fetcherOf(["*.example.com"], names);
    for (const [location, code, words] of [
      [`https://b.example.com:${target.port}/`, undefined, /./],
      [`https://evil.test:${target.port}/`, "invalid_image_url", /evil\.test/],
      [`http://b.example.com:${target.port}/`, "invalid_image_url", /'https:'/],
      [`https://in.example.com:${inside.port}/`, "failed_to_download_image", /private network/],
    ] as const) {
      const { port } = await serverAt(t, PUBLIC, redirecting(location));
      const result = fetcher.fetch(`https://a.example.com:${port}/`, signal);
      if (code === undefined) assert.equal((await result).length, IMAGE.length);
      else await refused(result, code, words);
    }
    assert.equal(inside.seen.length, 0);
  });

  const failing: [name: string, script: Script, code: string, words: RegExp][] = [
    ["is not there", (_req, res) => res.writeHead(404).end(), "failed_to_download_image", /404/],
    ["redirects for ever", redirecting("/"), "failed_to_download_image", /more than 3 times/],
    ["breaks off", (_req, res) => res.destroy(), "failed_to_download_image", /breaks off/],
    [
      "ends before the length it has said",
      (_req, res) => {
        res.writeHead(200, { "content-length": "1000" });
        res.write(IMAGE, () => res.destroy());
      },
      "failed_to_download_image",
      /breaks off/,
    ],
    [
      "is nothing of HTTP",
      (_req, res) => res.socket?.end("an image without a head"),
      "failed_to_download_image",
      /cannot be reached, or breaks off/,
    ],
    [
      "is too large",
      (_req, res) => {
        const chunk = Buffer.alloc(2 ** 20);
        const more = (): void => {
          if (!res.destroyed) res.write(chunk, more);
        };
        more();
      },
      "image_too_large",
      /more than the 20971520 bytes/,
    ],
  ];
  for (const [name, script, code, words] of failing) {
    test(`that ${name} is refused`, async (t) => {
      const { port } = await serverAt(t, PUBLIC, script);
      const fetcher = fetcherOf(["a.example.com"], { "a.example.com": [PUBLIC] });
      await refused(fetcher.fetch(`https://a.example.com:${port}/`, signal), code, words);
    });
  }

  test("that does not come in time is refused", async (t) => {
    const { port } = await serverAt(t, PUBLIC, () => {});
    const fetcher = fetcherOf(["a.example.com"], { "a.example.com": [PUBLIC] }, 300);
    const result = fetcher.fetch(`https://a.example.com:${port}/`, signal);
    await refused(result, "failed_to_download_image", /within 0\.3 s|cannot be reached/);
  });

  test("that comes in drops is refused in time, however many there are", async (t) => {
    const { port } = await serverAt(t, PUBLIC, dripping);
    const fetcher = fetcherOf(["a.example.com"], { "a.example.com": [PUBLIC] }, 500);
    const result = fetcher.fetch(`https://a.example.com:${port}/`, signal);
    await refused(result, "failed_to_download_image", /within 0\.5 s/);
  });

  test("is as long as its server said, whatever comes behind that", async (t) => {
    const more: Script = (_req, res) => {
      const head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 8\r\n\r\n";
      res.socket?.end(`${head}${IMAGE.toString()}and more`);
    };
    const { port } = await serverAt(t, PUBLIC, more);
    const fetcher = fetcherOf(["a.example.com"], { "a.example.com": [PUBLIC] });
    const bytes = await fetcher.fetch(`https://a.example.com:${port}/`, signal);
    assert.equal(Buffer.from(bytes).toString(), IMAGE.toString());
  });

  test("that is compressed on its way is not unpacked", async (t) => {
    const bomb = gzipSync(Buffer.alloc(2 ** 24));
    const packed: Script = (_req, res) =>
      res.writeHead(200, { "content-encoding": "gzip" }).end(bomb);
    const { port } = await serverAt(t, PUBLIC, packed);
    const fetcher = fetcherOf(["a.example.com"], { "a.example.com": [PUBLIC] });
    const bytes = await fetcher.fetch(`https://a.example.com:${port}/`, signal);
    assert.equal(bytes.length, bomb.length);
  });

  const inside = [
    "u:p@a.example.com",
    "[::ffff:127.0.0.2]",
    "[::ffff:0:7f00:2]",
    "0x7f.2",
    "127.2",
  ];
  for (const host of inside) {
    test(`is not followed to ${host}`, async (t) => {
      const redirect = await serverAt(t, PUBLIC, redirecting(`https://${host}/`));
      const hosts = ["a.example.com", ...inside.map((one) => new URL(`https://${one}/`).hostname)];
      const fetcher = new ImageFetcher({
        allowedHosts: hosts,
        network: {
          ...networkOf({ "a.example.com": [PUBLIC] }),
          isPrivate: (address) => address !== PUBLIC && isPrivateAddress(address),
        },
        tls: { ca: authority.certificate, checkServerIdentity: () => undefined },
      });
      const failed = fetcher.fetch(`https://a.example.com:${redirect.port}/`, signal);
      await assert.rejects(failed, ({ problem }: FileError) => {
        assert.match(problem.message, /private network|password/);
        return true;
      });
    });
  }

  test("is given up with its client", async (t) => {
    const gone = new AbortController();
    const { port } = await serverAt(t, PUBLIC, () => gone.abort(new Error("gone")));
    const fetcher = fetcherOf(["a.example.com"], { "a.example.com": [PUBLIC] });
    await assert.rejects(fetcher.fetch(`https://a.example.com:${port}/`, gone.signal), /gone/);
  });
});
