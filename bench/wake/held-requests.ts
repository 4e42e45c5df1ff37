/**
 * What thousands of requests cost that wait for a model which sleeps: memory of the API service, how soon the first of them
 * is told to whoever wakes models, and whether all are answered when it has woken.
 */
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { ApiMessage, DirectoryMessage } from "@localmodel/localmodel/contracts/directory.ts";
import { ApiProcess } from "../../test/support/api-process.ts";
import { residentBytes } from "../../test/support/process-tree.ts";
import { post } from "../support/http-load.ts";
import { ScriptedModel } from "../support/scripted-model.ts";

export type Held = {
  readonly beforeBytes: number;
  readonly heldBytes: number;
  readonly answered: number;
  /** From sending the first request to hearing that somebody waits. */
  readonly heardMs: number;
};

const SETTLE_MS = 3000;
const POLL_MS = 200;
const ASLEEP = {
  id: "m",
  aliases: [],
  createdSeconds: 1,
  server: "a/m",
  message: "Nobody uses it.",
  activationTimeoutSeconds: 600,
  slots: 64,
} as const;

export async function heldRequests(count: number, bodyBytes: number): Promise<Held> {
  await using model = await ScriptedModel.start();
  await using api = await ApiProcess.start({
    models: [{ ...ASLEEP, state: "asleep", endpoints: [] }],
    config: { maxHeldRequests: count, metricsPort: 0 },
  });
  const { pid = 0 } = api.process;
  const prompt = "x".repeat(bodyBytes);
  const body = JSON.stringify({ model: "m", stream: true, events: 1, intervalMs: 1, prompt });
  // What a first request loads is there before they come: it is for a model that nobody has.
  await post(api.url, JSON.stringify({ model: "none", prompt }));
  await wait(SETTLE_MS);
  const beforeBytes = await residentBytes(pid);
  const sentMs = performance.now();
  const heard = untilWaiting(api);
  const replies = [post(api.url, body)];
  const heardMs = (await heard) - sentMs;
  while (replies.length < count) replies.push(post(api.url, body));
  while ((await heldBy(api)) < count) await wait(POLL_MS);
  await wait(SETTLE_MS);
  const heldBytes = await residentBytes(pid);
  const models = [{ ...ASLEEP, state: "ready", endpoints: [model.url] }] as const;
  const awake: DirectoryMessage = { type: "directory", number: 2, directory: { models } };
  api.process.send(awake);
  const all = await Promise.all(replies);
  const answered = all.filter(({ status, tail }) => status === 200 && tail.includes("[DONE]"));
  return { beforeBytes, heldBytes, answered: answered.length, heardMs };
}

/** As its metrics say. */
async function heldBy({ lines }: ApiProcess): Promise<number> {
  const port = lines.find(({ msg, message = msg }) => message === "serving metrics")?.["port"];
  const url = `http://127.0.0.1:${String(port)}/metrics`;
  // While thousands connect, a connection may be reset.
  const text = await fetch(url).then(
    (response) => response.text(),
    () => "",
  );
  return Number(/^localmodel_requests_held\{.*\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

async function untilWaiting({ process: child }: ApiProcess): Promise<number> {
  for (;;) {
    const [message] = (await once(child, "message")) as [ApiMessage];
    if (message.type === "demand" && message.demand["a/m"]?.isWaiting === true) {
      return performance.now();
    }
  }
}
