/** Load as cheap as a client in JavaScript can make it: requests that all look alike, and their times. */
import { Agent, request } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

export type Reply = {
  readonly status: number;
  /** From sending the request to the first byte of the body, and to the last. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Of the answer. */
  readonly tail: string;
};

export function post(url: string, body: string): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const sentMs = performance.now();
  const outgoing = request(`${url}/v1/chat/completions`, {
    agent,
    method: "POST",
    headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
  });
  outgoing.on("response", (response) => {
    let firstMs = 0;
    let tail = "";
    response.setEncoding("latin1");
    response.on("data", (text: string) => {
      if (firstMs === 0) firstMs = performance.now() - sentMs;
      tail = text.slice(-32);
    });
    response.on("end", () => {
      const lastMs = performance.now() - sentMs;
      resolve({ status: response.statusCode ?? 0, firstMs, lastMs, tail });
    });
    response.on("error", reject);
  });
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}

/** Sends at a fixed rate whatever becomes of the requests before. Resolves with all times, in ms. */
export async function atRate(
  url: string,
  body: string,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<readonly number[]> {
  const replies: Promise<Reply>[] = [];
  const startMs = performance.now();
  const total = perSecond * seconds;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(total, ((performance.now() - startMs) / 1000) * perSecond);
      while (replies.length < due) replies.push(post(url, body));
      if (replies.length < total) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  return (await Promise.all(replies)).map(({ lastMs }) => lastMs);
}

/** So many clients, each sending its next request when it has its answer. Resolves with how many. */
export async function closedLoop(
  url: string,
  body: string,
  { clients, seconds }: { readonly clients: number; readonly seconds: number },
): Promise<number> {
  const endMs = performance.now() + seconds * 1000;
  let count = 0;
  const client = async () => {
    while (performance.now() < endMs) {
      const { status } = await post(url, body);
      if (status !== 200) throw new Error(`${url} answered ${status}`);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return count;
}
