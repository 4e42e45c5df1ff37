/** Requests and responses that are Express' own from the start, with nothing different for handlers. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import express from "express";
import { messagesOf } from "./express-messages.ts";

test("a server makes them with the prototypes that Express would give them", async (t) => {
  const app = express();
  const seen: boolean[] = [];
  app.use((_req, res, next) => {
    res.locals["first"] = true;
    next();
  });
  app.get("/own", (req, res) => void res.status(201).json([req.get("x-asked"), res.locals]));
  app.use(express().get("/inner", (req, res) => void res.json(req.query)));
  const server = createServer(messagesOf(app), (req, res) => {
    const { request, response } = app;
    seen.push(Object.getPrototypeOf(req) === request, Object.getPrototypeOf(res) === response);
    app(req, res);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const own = await fetch(`${url}/own`, { headers: { "x-asked": "yes" } });
  assert.equal(own.status, 201);
  assert.deepEqual(await own.json(), ["yes", { first: true }]);
  assert.deepEqual(await (await fetch(`${url}/own`)).json(), [null, { first: true }]);
  assert.deepEqual(await (await fetch(`${url}/inner?a=1`)).json(), { a: "1" });
  assert.deepEqual(seen, Array(6).fill(true));
});
