/**
 * A real API service with keys, in front of a model server that does as a test says: what attacks are tried on.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import type { ApiConfigInput } from "@localmodel/localmodel/contracts/api-config.ts";
import { ApiProcess } from "./api-process.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

export type KeyLimits = Readonly<Record<string, number>>;

type Answer = (req: IncomingMessage, res: ServerResponse) => void;

const completion = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "Hi" },
      finish_reason: "stop",
      logprobs: null,
    },
  ],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

/** A short answer at once. */
export const answerAtOnce: Answer = (_req, res) => {
  res.writeHead(200, {
    "content-type": "application/json",
    "x-localmodel-usage": "prompt=1 completion=1",
  });
  res.end(completion);
};

export function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer sk-${key}` };
}

export async function attackedApi(
  t: TestContext,
  options: {
    /** By name; their secrets are `bearer`'s. */
    readonly keys: Readonly<Record<string, KeyLimits>>;
    readonly config?: ApiConfigInput;
    readonly slots?: number;
    readonly answer?: Answer;
  },
) {
  const { keys, config, slots = 64, answer = answerAtOnce } = options;
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  const keysFile = folder.file("keys.json");
  const entries = Object.entries(keys).map(([name, limits]) => ({
    name,
    sha256: createHash("sha256").update(`sk-${name}`).digest("hex"),
    ...limits,
  }));
  await writeFile(keysFile, JSON.stringify({ keys: entries }));
  let requests = 0;
  const server = createServer((req, res) => {
    requests += 1;
    req.resume().on("end", () => answer(req, res));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api = await ApiProcess.start({
    models: [{ id: "m", endpoints: [endpoint], slots }],
    config: { keysFile, ...config },
  });
  const sockets: Socket[] = [];
  t.after(() => {
    // First, or the service would wait for what these have not sent.
    for (const socket of sockets) socket.destroy();
    return api.stop();
  });
  return {
    api,
    /** Those that the model server has got. */
    requests: () => requests,
    ask: (key: string, body: object = { model: "m", messages: [] }) =>
      api.post("/v1/chat/completions", body, { headers: bearer(key) }),
    /** A connection that has sent these headers, and nothing else. */
    open: async (key: string, headers: readonly string[]): Promise<Socket> => {
      const { hostname, port } = new URL(api.url);
      const socket = connect(Number(port), hostname);
      sockets.push(socket);
      socket.on("error", () => {});
      await once(socket, "connect");
      const head = ["host: api", "content-type: application/json", ...headers];
      const { authorization } = bearer(key);
      const lines = [...head, `authorization: ${authorization}`].join("\r\n");
      socket.write(`POST /v1/chat/completions HTTP/1.1\r\n${lines}\r\n\r\n`);
      return socket;
    },
  };
}
