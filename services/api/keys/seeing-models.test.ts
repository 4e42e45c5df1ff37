/** A model server that reads text alone learns from the API service which models look at images. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { SEEING_MODELS_HEADER } from "@localmodel/localmodel/contracts/internal-headers.ts";
import { chat, gateway, model } from "../fixtures/gateway.ts";
import { bearer, key, ringOf } from "../fixtures/keys.ts";
import { answer, json, upstream } from "../fixtures/scripted-upstream.ts";

const SEEING = { facts: { capabilities: ["chat", "vision"] } } as const;

test("it is told with each request those that its key may use, and one that looks itself is told nothing", async (t) => {
  const server = await upstream(t, answer(json({})));
  const at = (id: string, fields: Partial<DirectoryModel> = {}) =>
    model(id, { endpoints: [server.url], ...fields });
  const models = [at("text"), at("eyes", SEEING), at("team/eyes", SEEING)];
  const { url } = await gateway(t, models, {
    keys: ringOf(key("all"), key("few", { models: ["text", "team/*"] })),
  });
  const told: (string | undefined)[] = [];
  for (const [name, id] of [
    ["all", "text"],
    ["few", "text"],
    ["all", "eyes"],
  ] as const) {
    await (await chat(url, { model: id }, { headers: bearer(name) })).text();
    const head = server.requests.at(-1)?.head ?? "";
    told.push(new RegExp(`^${SEEING_MODELS_HEADER}: (.*)$`, "im").exec(head)?.[1]?.trim());
  }
  assert.deepEqual(told, ["eyes,team/eyes", "team/eyes", undefined]);
});
