/** Ways to do harm with well-formed requests, each as what goes on until it is told to stop. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { COSTLY_BODIES, type CostlyBody, packed } from "../../test/support/costly-bodies.ts";

export type Target = { readonly url: string; readonly headers: Readonly<Record<string, string>> };

export type Attack = {
  readonly name: string;
  /** Whose key it comes with; default: one without limits. */
  readonly key?: "limited";
  readonly run: (target: Target, stop: AbortSignal) => Promise<void>;
};

const AT_ONCE = 4;
const JSON_TYPE = { "content-type": "application/json" };

/** So many, each sending its next request when the last one is answered. */
async function loops(count: number, stop: AbortSignal, one: () => Promise<unknown>) {
  const loop = async () => {
    while (!stop.aborted) await one().catch(() => undefined);
  };
  await Promise.all(Array.from({ length: count }, loop));
}

async function ask(
  { url, headers }: Target,
  body: string | Uint8Array<ArrayBuffer>,
  init: RequestInit,
): Promise<void> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    ...init,
    headers: { ...JSON_TYPE, ...headers, ...(init.headers as Record<string, string>) },
    body,
  });
  await response.arrayBuffer();
}

function costly(body: CostlyBody): Attack {
  return {
    name: `${AT_ONCE} times ${body.name}`,
    run: async (target, stop) => {
      const bytes = new Uint8Array(packed(body));
      const init = { headers: { "content-encoding": "gzip" }, signal: stop };
      await loops(AT_ONCE, stop, () => ask(target, bytes, init));
    },
  };
}

async function open({ url, headers }: Target, head: Record<string, string>): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on("error", () => {});
  await once(socket, "connect");
  const lines = Object.entries({ host: hostname, ...JSON_TYPE, ...headers, ...head });
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.write(`POST /v1/chat/completions HTTP/1.1\r\n${text}\r\n`);
  return socket;
}

async function until(stop: AbortSignal, sockets: readonly Socket[]): Promise<void> {
  if (!stop.aborted) await once(stop, "abort");
  for (const socket of sockets) socket.destroy();
}

const silent: Attack = {
  name: "256 connections that announce a packed body and send nothing",
  run: async (target, stop) => {
    const head = { "content-encoding": "gzip", "content-length": "1000" };
    await until(stop, await Promise.all(Array.from({ length: 256 }, () => open(target, head))));
  },
};

const halfBodies: Attack = {
  name: "24 bodies of 30 MB that stop before their end",
  run: async (target, stop) => {
    const bytes = Buffer.alloc(30_000_000, " ");
    const head = { "content-length": String(bytes.length + 1) };
    const sockets = await Promise.all(Array.from({ length: 24 }, () => open(target, head)));
    for (const socket of sockets) socket.write(bytes);
    await until(stop, sockets);
  },
};

const smallPieces: Attack = {
  name: "a million pieces of a byte each, 8 times",
  run: async (target, stop) => {
    const pieces = Buffer.from("1\r\nx\r\n".repeat(1_000_000));
    const head = { "transfer-encoding": "chunked" };
    const sockets = await Promise.all(Array.from({ length: 8 }, () => open(target, head)));
    for (const socket of sockets) socket.write(pieces);
    await until(stop, sockets);
  },
};

/** More than a queue holds. */
const FLOOD = 700;

function flood(body: object): Pick<Attack, "run"> {
  return {
    run: (target, stop) =>
      loops(FLOOD, stop, () => ask(target, JSON.stringify(body), { signal: stop })),
  };
}

export function attacksOn(model: string): readonly Attack[] {
  const chat = { model, messages: [{ role: "user", content: "Hi" }] };
  return [
    { name: "nothing", run: (_target, stop) => until(stop, []) },
    silent,
    halfBodies,
    smallPieces,
    ...COSTLY_BODIES.map(costly),
    { name: `${FLOOD} requests of one key at once`, ...flood({ ...chat, max_tokens: 64 }) },
    {
      name: `${FLOOD} requests of a key with 600 tokens per minute`,
      key: "limited",
      ...flood({ ...chat, max_tokens: 64 }),
    },
  ];
}
