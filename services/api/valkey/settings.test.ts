import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { ApiConfig } from "@localmodel/localmodel/contracts/api-config.ts";
import { TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import {
  VALKEY_PASSWORD_VARIABLE,
  VALKEY_URL_VARIABLE,
  ValkeySettingsError,
  valkeySettings,
} from "./settings.ts";

const configured = (valkey: object = {}) => ApiConfig.parse({ valkey });

test("without a URL there is no Valkey", () => {
  assert.equal(valkeySettings(configured(), {}), undefined);
  assert.equal(valkeySettings(configured(), { [VALKEY_URL_VARIABLE]: "" }), undefined);
});

test("a URL says where it is, as whom, and whether by TLS", () => {
  const base = { database: 0, prefix: "localmodel" };
  for (const [url, expected] of [
    ["valkey://cache", { host: "cache", port: 6379 }],
    ["redis://10.0.0.1:7000/3", { host: "10.0.0.1", port: 7000, database: 3 }],
    ["rediss://[fd00::1]:1/", { host: "fd00::1", port: 1, tls: {} }],
    [
      "valkeys://al%40ice:p%2Fw@cache.example\n",
      { host: "cache.example", port: 6379, username: "al@ice", password: "p/w", tls: {} },
    ],
    ["valkey://:only@cache", { host: "cache", port: 6379, password: "only" }],
  ] as const) {
    assert.deepEqual(valkeySettings(configured({ url }), {}), { ...base, ...expected });
  }
});

test("the environment goes before the configuration, and its password before a URL's", () => {
  const environment = {
    [VALKEY_URL_VARIABLE]: "valkey://user:old@there",
    [VALKEY_PASSWORD_VARIABLE]: "p@ss/word%",
  };
  const found = valkeySettings(configured({ url: "valkey://here", prefix: "mine" }), environment);
  assert.deepEqual(found, {
    host: "there",
    port: 6379,
    username: "user",
    password: "p@ss/word%",
    database: 0,
    prefix: "mine",
  });
});

test("what is no such URL is refused in words that repeat no password", () => {
  for (const url of [
    "cache:6379",
    "http://:secret@cache",
    "valkey://",
    "valkey://:secret@cache/zero",
    "valkey://:secret@cache?tls=true",
    "valkey://:secret@cache:port",
    "valkey://:secret%zz@cache",
  ]) {
    assert.throws(
      () => valkeySettings(configured({ url }), {}),
      (thrown) => thrown instanceof ValkeySettingsError && !thrown.message.includes("secret"),
      url,
    );
  }
});

test("certificates of its own are for TLS, and have to be there", async (t) => {
  const folder = await TemporaryFolder.create();
  t.after(() => folder[Symbol.asyncDispose]());
  const caFile = folder.file("ca.pem");
  const settings = (url: string) => valkeySettings(configured({ url, caFile }), {});
  assert.throws(() => settings("valkeys://cache"), /ca\.pem cannot be read/);
  await writeFile(caFile, "PEM");
  assert.deepEqual(settings("valkeys://cache")?.tls, { ca: "PEM" });
  assert.throws(() => settings("valkey://cache"), /valkeys:\/\//);
});
