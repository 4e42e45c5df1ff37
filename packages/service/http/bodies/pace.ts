/**
 * Lets large bodies in by slices, one in each round of the event loop, whoever's it is.
 *
 * What has come on a connection is otherwise read in one go, two megabytes of it, for each connection in turn: two dozen
 * that send as fast as they can would hold up everybody else for a tenth of a second at a time.
 */
import type { Readable } from "node:stream";
import { Turns } from "../../process/turns.ts";

/** Bodies that are smaller, nearly all, wait for nobody. */
const SLICE_BYTES = 256 * 1024;

/** All requests share them. */
const turns = new Turns();

/** Until its end, also where nobody keeps what comes. */
export function pace(body: Readable): void {
  let bytes = 0;
  body.on("data", (piece: Buffer) => {
    bytes += piece.length;
    if (bytes < SLICE_BYTES) return;
    bytes = 0;
    body.pause();
    void turns.next().then(() => body.resume());
  });
}
