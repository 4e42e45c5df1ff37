/**
 * The least that a proxy of Node does: its HTTP server, undici, and nothing between them. No route is looked up, no
 * body is read, no error is handled: a floor for what the API service can cost.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent } from "undici";

const origin = process.argv[2] ?? "";
const agent = new Agent({ connections: null, pipelining: 1, bodyTimeout: 0 });

const server = createServer((req, res) => {
  const { "content-length": length = "0", "content-type": type = "" } = req.headers;
  const headers = { "content-length": length, "content-type": type };
  agent.dispatch(
    { origin, path: req.url ?? "/", method: "POST", headers, body: req },
    {
      onRequestStart: () => {},
      onResponseStart: (_controller, status, answered) => {
        res.writeHead(status, { "content-type": String(answered["content-type"]) });
      },
      onResponseData: (_controller, chunk) => void res.write(chunk),
      onResponseEnd: () => void res.end(),
      onResponseError: () => void res.destroy(),
    },
  );
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
