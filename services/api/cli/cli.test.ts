/** The commands as people start them: as processes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { describe, test, type TestContext } from "node:test";
import { readApiKeys } from "@localmodel/localmodel/documents/read-api-keys.ts";
import { frame } from "@localmodel/openai/sse.ts";
import { KeyRing } from "../keys/key-ring.ts";
import { pretty } from "./pretty-log.ts";

async function run(name: string, given: readonly string[], environment: object = {}) {
  const module = path.join(import.meta.dirname, name);
  const child = spawn(process.execPath, [module, ...given], {
    env: { ...process.env, ...environment },
  });
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  const [code] = (await once(child, "exit")) as [number];
  return { code, stdout: await stdout, stderr: await stderr };
}

describe("npm run key", () => {
  test("prints a key once, and an entry by which it is known", async () => {
    const options = ["--models", "a,org/*", "--tokens-per-minute", "1000", "--admin"];
    const { code, stdout } = await run("key.ts", ["--name", "alice", ...options]);
    assert.equal(code, 0);
    const [secret = ""] = stdout.split("\n");
    assert.match(secret, /^sk-[\w-]{43}$/);
    const read = readApiKeys(`keys:\n${stdout.slice(stdout.indexOf("  - "))}`, "keys.yaml");
    assert.ok("value" in read);
    const key = new KeyRing(read.value).find(secret);
    const { sha256: _, ...rest } = key ?? { sha256: "" };
    assert.deepEqual(rest, {
      name: "alice",
      models: ["a", "org/*"],
      tokensPerMinute: 1000,
      admin: true,
    });
    assert.equal(stdout.split(secret).length, 2);
  });

  for (const [given, message] of [
    [[], /error: --name is missing/],
    [["--name", "al ice"], /error: name: must be 1 to 64 letters/],
    [
      ["--name", "a", "--concurrency", "many"],
      /error: concurrency: must be a number; found "many"/,
    ],
    [["--name", "a", "--expires", "soon"], /error: expires: must be a time/],
    [["--nmae", "a"], /error: .*--nmae/],
  ] as const) {
    test(`says what is wrong with "${given.join(" ")}"`, async () => {
      const { code, stdout, stderr } = await run("key.ts", given);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, message);
    });
  }
});

const INPUT = {
  type: "llm.prediction.input",
  time: "2026-11-25T10:11:12.345Z",
  requestId: "req-1",
  key: "alice",
  model: "a",
  path: "/v1/chat/completions",
  prompts: ["<|im_start|>user\nHi\u001b[31m<|im_end|>\n"],
  promptTokens: 7,
  sampling: { temperature: 0, logitBias: [] },
  stop: [],
};

async function service(t: TestContext) {
  const asked: { url?: string; key?: string }[] = [];
  const server = createServer((req, res) => {
    asked.push({ url: req.url ?? "", key: req.headers.authorization ?? "" });
    if (req.headers.authorization === undefined) {
      res.writeHead(403).end('{"error":{"message":"This needs an API key."}}');
    } else res.end(`: keep-alive\n${frame(INPUT)}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => void server.close());
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

describe("npm run log", () => {
  test("asks for one model with the key of the environment, and prints JSON lines", async (t) => {
    const { asked, url } = await service(t);
    const given = ["--url", url, "--model", "org/a b", "--json"];
    const { stdout, stderr } = await run("log.ts", given, { LOCALMODEL_API_KEY: "sk-x" });
    assert.deepEqual(asked, [{ url: "/admin/log?model=org%2Fa+b", key: "Bearer sk-x" }]);
    assert.deepEqual(JSON.parse(stdout), INPUT);
    assert.match(stderr, /the service has ended the log/);
  });

  test("a refusal and an absent service are told in a sentence", async (t) => {
    const { url } = await service(t);
    const refused = await run("log.ts", ["--url", url], { LOCALMODEL_API_KEY: undefined });
    assert.deepEqual([refused.code, refused.stderr], [1, "error: This needs an API key.\n"]);
    const absent = await run("log.ts", ["--url", "http://127.0.0.1:1"]);
    assert.match(absent.stderr, /^error: nobody answers at http:\/\/127\.0\.0\.1:1;/);
  });
});

describe("the log on a terminal", () => {
  test("shows the prompt to the letter, but moves nobody's cursor", () => {
    assert.equal(
      pretty(INPUT),
      [
        "--- 10:11:12.345 a received /v1/chat/completions for alice (req-1)",
        "<|im_start|>user",
        "Hi\\u{1b}[31m<|im_end|>",
        "(7 tokens; temperature=0)",
        "",
        "",
      ].join("\n"),
    );
  });

  test("shows the answer with what it took, and why it ended", () => {
    const { prompts: _, ...about } = INPUT;
    const output = {
      ...about,
      type: "llm.prediction.output",
      choices: [{ text: "Hello", finishReason: "stop" }],
      usage: { promptTokens: 7, completionTokens: 2, cachedTokens: 5 },
      timings: { queuedMs: 1, totalMs: 9.5 },
    };
    const lines = pretty(output).split("\n");
    assert.deepEqual(lines.slice(1), [
      "Hello",
      "(stop; 2 tokens; 5 of the prompt cached; queuedMs=1 totalMs=9.5)",
      "",
      "",
    ]);
    const failed = { ...output, usage: undefined, choices: [], error: { message: "It broke." } };
    assert.match(pretty(failed), /\(It broke\.; queuedMs=1 totalMs=9\.5\)/);
  });

  test("says what was dropped and who refused", () => {
    const embedded = { ...INPUT, inputs: ["Hello\u001b", [1, 2]] };
    assert.match(
      pretty({ ...embedded, type: "llm.embedding.input" }),
      /\nHello\\u\{1b\}\n\[1,2\]\n\n$/,
    );
    const vectors = { usage: { promptTokens: 2 }, dimensions: 4, timings: { totalMs: 1.5 } };
    assert.match(
      pretty({ ...INPUT, ...vectors, type: "llm.embedding.output" }),
      /\n\(2 tokens; 4 dimensions; totalMs=1\.5\)\n\n$/,
    );
    assert.match(pretty({ type: "dropped", events: 3 }), /3 events were dropped/);
    assert.equal(pretty({ type: "refused", model: "a", message: "No." }), "a: No.\n\n");
    assert.equal(pretty({ type: "attached", model: "a" }), "a: attached\n\n");
  });
});
