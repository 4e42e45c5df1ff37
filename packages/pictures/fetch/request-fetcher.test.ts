/** Images of a request from hosts that are slow, broken or generous. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Failure } from "@localmodel/inference/failure.ts";
import type { ImageInput } from "@localmodel/inference/image-input.ts";
import { FileError } from "../problem.ts";
import type { ImageFetcher } from "./image-fetcher.ts";
import { RequestFetcher } from "./request-fetcher.ts";

const NOBODY = new AbortController().signal;
const FILE = Buffer.from("an image");

const imagesAt = (...urls: readonly string[]): readonly ImageInput[] =>
  urls.map((url, index) => ({ source: { type: "url", url }, field: `images[${index}]` }));

/** Ends when it is asked to, or with its signal; `most`: how many were under way at a time. */
function hosts() {
  const asked: string[] = [];
  const underWay = new Map<string, PromiseWithResolvers<Uint8Array>>();
  const counts = { most: 0 };
  const fetch: ImageFetcher["fetch"] = async (url, signal) => {
    asked.push(url);
    const answer = Promise.withResolvers<Uint8Array>();
    underWay.set(url, answer);
    counts.most = Math.max(counts.most, underWay.size);
    const abort = () => answer.reject(signal.reason);
    signal.addEventListener("abort", abort);
    try {
      return await answer.promise;
    } finally {
      underWay.delete(url);
    }
  };
  return { fetch, asked, underWay, counts };
}

function awake(): Disposable {
  const timer = setInterval(() => {}, 1000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

test("a few images come at a time, and each of them once", async () => {
  const host = hosts();
  const names = ["a", "b", "c", "d", "e", "f", "a"];
  const fetched = new RequestFetcher(host).fetch(imagesAt(...names), NOBODY);
  for (let sent = 0; sent < 6; sent += 1) {
    while (host.underWay.size === 0) await Promise.resolve();
    const [[name, answer] = assert.fail()] = host.underWay;
    answer.resolve(Buffer.from(name));
    while (host.underWay.get(name) === answer) await Promise.resolve();
  }
  using all = await fetched;
  assert.deepEqual(host.asked, ["a", "b", "c", "d", "e", "f"]);
  assert.equal(host.counts.most, 4);
  const read = names.map((name) => Buffer.from(all.files.get(name) ?? []).toString());
  assert.deepEqual(read, names);
});

test("the images of a request have one deadline, and who waits for them no longer holds their place", async () => {
  const host = hosts();
  const fetcher = new RequestFetcher(host, 100);
  const images = imagesAt("a", "b", "c", "d", "e", "f");
  // A deadline keeps no process from ending.
  using _awake = awake();
  for (let again = 0; again < 3; again += 1) {
    await assert.rejects(fetcher.fetch(images, NOBODY), ({ code, message, field }: Failure) => {
      assert.equal(code, "failed_to_download_image");
      assert.match(message, /not all images of the request have come within 0\.1 s/);
      assert.match(field ?? "", /^images\[[0-3]\]$/);
      return true;
    });
  }
  assert.equal(host.underWay.size, 0);
});

test("one that cannot be had ends the others, and is named", async () => {
  const host = hosts();
  const fetched = new RequestFetcher(host).fetch(imagesAt("a", "b", "c"), NOBODY);
  while (host.underWay.size < 3) await Promise.resolve();
  const problem = { code: "failed_to_download_image", message: "it is not there" } as const;
  host.underWay.get("b")?.reject(new FileError(problem));
  await assert.rejects(fetched, { field: "images[1]", message: /it is not there/ });
  assert.equal(host.underWay.size, 0);
});

test("more bytes than a request may have are refused while they come", async () => {
  let came = 0;
  const endless: ImageFetcher["fetch"] = async (_url, _signal, count) => {
    for (;;) {
      came += 2 ** 20;
      count?.(2 ** 20);
    }
  };
  const fetched = new RequestFetcher({ fetch: endless }).fetch(imagesAt("a"), NOBODY);
  await assert.rejects(fetched, { code: "image_too_large", field: "images[0]" });
  assert.equal(came, 33 * 2 ** 20);
});

test("who is gone waits for nothing", async () => {
  const host = hosts();
  const gone = new AbortController();
  const fetched = new RequestFetcher(host).fetch(imagesAt("a"), gone.signal);
  while (host.underWay.size === 0) await Promise.resolve();
  gone.abort(new Error("gone"));
  await assert.rejects(fetched, /gone/);
});

test("a request without URLs waits for nobody", async () => {
  const source = { type: "file", bytes: FILE } as const;
  const fetched = await new RequestFetcher(hosts()).fetch([{ source, field: "f" }], NOBODY);
  assert.equal(fetched.files.size, 0);
});
