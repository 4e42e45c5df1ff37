/** A model server that lacks a sense learns from the API service which models have it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import {
  HEARING_MODELS_HEADER,
  SEEING_MODELS_HEADER,
} from "@localmodel/localmodel/contracts/internal-headers.ts";
import { chat, gateway, model } from "../fixtures/gateway.ts";
import { bearer, key, ringOf } from "../fixtures/keys.ts";
import { answer, json, upstream } from "../fixtures/scripted-upstream.ts";

const SEEING = { facts: { capabilities: ["chat", "vision"] } } as const;
const HEARING = { facts: { capabilities: ["chat", "audio"] } } as const;

test("it is told with each request those that its key may use, and nothing of what it can itself", async (t) => {
  const server = await upstream(t, answer(json({})));
  const at = (id: string, fields: Partial<DirectoryModel> = {}) =>
    model(id, { endpoints: [server.url], ...fields });
  const models = [at("text"), at("eyes", SEEING), at("team/eyes", SEEING), at("ears", HEARING)];
  const { url } = await gateway(t, models, {
    keys: ringOf(key("all"), key("few", { models: ["text", "team/*"] })),
  });
  const told: (string | undefined)[][] = [];
  for (const [name, id] of [
    ["all", "text"],
    ["few", "text"],
    ["all", "eyes"],
    ["all", "ears"],
  ] as const) {
    await (await chat(url, { model: id }, { headers: bearer(name) })).text();
    const head = server.requests.at(-1)?.head ?? "";
    const said = (header: string) => new RegExp(`^${header}: (.*)$`, "im").exec(head)?.[1]?.trim();
    told.push([said(SEEING_MODELS_HEADER), said(HEARING_MODELS_HEADER)]);
  }
  assert.deepEqual(told, [
    ["eyes,team/eyes", "ears"],
    ["team/eyes", undefined],
    [undefined, "ears"],
    ["eyes,team/eyes", undefined],
  ]);
});
