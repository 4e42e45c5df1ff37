import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { attackedApi } from "../support/attacked-api.ts";

test("bodies in a million pieces of a byte each are refused after some thousand, and others are served meanwhile", async (t) => {
  const { ask, open, requests } = await attackedApi(t, { keys: { crumbs: {}, alice: {} } });
  const crumbs = "1\r\nx\r\n".repeat(1_000_000);
  const sockets = await Promise.all(
    Array.from({ length: 8 }, () => open("crumbs", ["transfer-encoding: chunked"])),
  );
  const answers = sockets.map((socket) => text(socket).catch(() => ""));
  for (const socket of sockets) socket.write(crumbs);
  for (let count = 0; count < 5; count++) assert.equal((await ask("alice")).status, 200);
  // A connection that is closed while its client still sends may be reset before its answer is read.
  const told = (await Promise.all(answers)).filter((answer) => answer !== "");
  for (const answer of told) assert.match(answer, /^HTTP\/1.1 400 [^]*"chunks_too_small"/);
  assert.equal(requests(), 5);
});
