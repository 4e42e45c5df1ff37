/** What a request holds of the room for pictures, and when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImageSource } from "@localmodel/inference/image-input.ts";
import { REQUEST_MAX_BYTES } from "@localmodel/localmodel/contracts/picture-limits.ts";
import type { RequestFetcher } from "./fetch/request-fetcher.ts";
import { type Eyes, perceive, type Sent } from "./pictures.ts";
import { Room } from "./room.ts";

const NOBODY = new AbortController().signal;
const PIXEL = { width: 1, height: 1, rgb: new Uint8Array(3), sha256: "" };

/** As many as fill a room of one request. */
function sent(source: ImageSource): Sent {
  const images = Array.from({ length: 6 }, () => ({ source, field: "f" }));
  return { images, sounds: [], sampleRate: 0 };
}

test("who waits for a host keeps nobody from being looked at", async () => {
  const host = Promise.withResolvers<void>();
  const fetcher: Pick<RequestFetcher, "fetch"> = {
    fetch: async (images) => {
      const urls = images.flatMap(({ source }) => (source.type === "url" ? source.url : []));
      if (urls.length > 0) await host.promise;
      return {
        files: new Map(urls.map((url) => [url, new Uint8Array(1)])),
        [Symbol.dispose]: () => {},
      };
    },
  };
  const eyes: Eyes = {
    decoder: { decode: async () => PIXEL, decodeSound: () => assert.fail("no sounds") },
    fetcher,
    room: new Room(REQUEST_MAX_BYTES),
  };
  const waiting = perceive(sent({ type: "url", url: "https://slow" }), eyes, NOBODY);
  const looked = await perceive(sent({ type: "file", bytes: new Uint8Array(1) }), eyes, NOBODY);
  assert.equal(looked.pictures.length, 6);
  looked[Symbol.dispose]();
  host.resolve();
  assert.equal((await waiting).pictures.length, 6);
});
