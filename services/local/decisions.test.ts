/** The small pure functions of local mode. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Command, parseCommand } from "./arguments.ts";
import { crashesInARow, MAX_DELAY_MS, restartDelayMs, STABLE_MS } from "./desired/backoff.ts";
import { directoryOf, type Listing } from "./desired/directory.ts";
import { baseUrl, curlFor, factsLine, formatCount, isLoopback } from "./screen/narration.ts";
import { Screen } from "./screen/screen.ts";
import type { ServerView } from "./desired/server-view.ts";

const run = (paths: string[], host = "127.0.0.1", port = 1234, access = {}): Command => ({
  type: "run",
  arguments: { paths, host, port, origins: [], allowedVariables: [], engine: {}, ...access },
});

describe("the command line", () => {
  const cases: [string[], Command][] = [
    [[], run([])],
    [["a.yaml", "b"], run(["a.yaml", "b"])],
    [["--port", "0", "m.gguf", "--host=0.0.0.0"], run(["m.gguf"], "0.0.0.0", 0)],
    [["--host", "::1"], run([], "::1")],
    [["--", "--odd.yaml"], run(["--odd.yaml"])],
    [["--keys", "k.yaml"], run([], "127.0.0.1", 1234, { keysFile: "k.yaml" })],
    [
      ["--cors", "http://localhost:3000", "--cors=*"],
      run([], "127.0.0.1", 1234, { origins: ["http://localhost:3000", "*"] }),
    ],
    [
      ["--allow-env", "NODE_OPTIONS", "--allow-env=HSA_*"],
      run([], "127.0.0.1", 1234, { allowedVariables: ["NODE_OPTIONS", "HSA_*"] }),
    ],
    [
      ["m.gguf", "--context", "8192", "--slots=2", "--threads", "3", "--gpu-layers", "0"],
      run(["m.gguf"], "127.0.0.1", 1234, {
        engine: { contextTokens: 8192, slots: 2, threads: 3, gpuLayers: 0 },
      }),
    ],
    [["a.yaml", "--help"], { type: "help" }],
    [["-v"], { type: "version" }],
  ];
  for (const [argv, expected] of cases) {
    test(`"${argv.join(" ")}" is understood`, () => assert.deepEqual(parseCommand(argv), expected));
  }
  const mistakes: [string[], RegExp][] = [
    [["--port"], /--port/],
    [["--port", "http"], /--port must be a number from 0 to 65535; found "http"/],
    [["--port", "65536"], /found "65536"/],
    [["--port=-1"], /found "-1"/],
    [["--port", "1e3"], /found "1e3"/],
    [["--prot", "1"], /--prot/],
    [["--host", "a b"], /--host must be/],
    [["--keys="], /--keys must name a file/],
    [["--cors", "localhost:3000/"], /--cors must be an origin.*found "localhost:3000\/"/],
    [["--allow-env", "A=b"], /--allow-env must be the name of a variable.*found "A=b"/],
    [["--context", "8k"], /--context must be a whole number from 16 to 16777216; found "8k"/],
    [["--context", "15"], /found "15"/],
    [["--slots", "0"], /--slots must be a whole number from 1 to 256; found "0"/],
    [["--threads="], /--threads must be .*found ""/],
    [["--gpu-layers", "1e1"], /--gpu-layers must be .*found "1e1"/],
    [[""], /empty/],
  ];
  for (const [argv, message] of mistakes) {
    test(`"${argv.join(" ")}" is refused`, () => {
      const command = parseCommand(argv);
      assert.equal(command.type, "mistake");
      assert.match(command.type === "mistake" ? command.message : "", message);
    });
  }
});

test("options that npm kept for itself are refused with what to type", () => {
  const command = parseCommand(["8080"], { npm_config_gpu_layers: "0", npm_config_cache: "/c" });
  assert.equal(command.type, "mistake");
  assert.match(
    command.type === "mistake" ? command.message : "",
    /^npm kept --gpu-layers for itself; .* npm start -- model\.gguf --gpu-layers …$/,
  );
});

describe("the wait before a restart", () => {
  test("doubles with each crash in a row, up to a bound", () => {
    assert.deepEqual([1, 2, 3, 4].map(restartDelayMs), [500, 1000, 2000, 4000]);
    for (const crashes of [8, 100, 5000, Infinity])
      assert.equal(restartDelayMs(crashes), MAX_DELAY_MS);
  });
  test("starts anew once a server has served for a while", () => {
    assert.equal(crashesInARow(5, STABLE_MS - 1), 6);
    assert.equal(crashesInARow(5, STABLE_MS), 1);
    assert.equal(crashesInARow(0, 0), 1);
  });
});

const listing = (ids: string[], view: Partial<ServerView>): Listing => ({
  model: { name: "m", ids, adapterIds: [], createdSeconds: 1 },
  view: { state: "loading", message: "m", ...view },
});

const summary = (...listings: Listing[]) =>
  directoryOf(listings).models.map(({ id, aliases, endpoints }) => [
    id,
    ...aliases,
    endpoints.length,
  ]);

describe("the directory", () => {
  test("lists what serves and what will", () => {
    assert.deepEqual(summary(listing(["a", "b"], {}), listing(["c"], { endpoint: "e" })), [
      ["a", "b", 0],
      ["c", 1],
    ]);
  });
  test("while a model is replaced, its ids are those of the server that serves", () => {
    const old = listing(["a"], { endpoint: "e" });
    assert.deepEqual(summary(listing(["a"], {}), old), [["a", 1]]);
    assert.deepEqual(summary(listing(["b", "a"], {}), old), [
      ["b", 0],
      ["a", 1],
    ]);
  });
  test("lists adapters beside their model", () => {
    const one = listing(["a"], { endpoint: "e" });
    const { models } = directoryOf([{ ...one, model: { ...one.model, adapterIds: ["tone"] } }]);
    assert.deepEqual(
      models.map(({ id, parent, endpoints }) => [id, parent, endpoints]),
      [
        ["a", undefined, ["e"]],
        ["tone", "a", ["e"]],
      ],
    );
  });
  test("rounds progress down, so that only a whole percent is news", () => {
    const [model] = directoryOf([listing(["a"], { progress: 0.999 })]).models;
    assert.equal(model?.progress, 0.99);
  });
});

const FACTS = {
  architecture: "llama",
  parameters: 134_515_008,
  quantization: "Q4_1",
  sizeBytes: 96_576_768,
  trainContextTokens: 8192,
  contextTokens: 4096,
  slots: 1,
  vocabularyTokens: 1,
  embeddingDimensions: 1,
  capabilities: ["chat"] as const,
  memoryBytes: { ram: 677e6, vram: 0 },
  sampling: {},
  fingerprint: "fp",
};

describe("what people are told", () => {
  test("a model in one line", () => {
    assert.equal(
      factsLine(FACTS),
      "llama 135M Q4_1, 96.6 MB; 1 slot of 4096 tokens (of 8192 it was trained for; set by spec.engine.contextTokens, or --context); 677 MB of memory",
    );
    assert.match(
      factsLine({ ...FACTS, slots: 4, memoryBytes: { ram: 1e9, vram: 2e9 } }),
      /4 slots .*1\.00 GB of memory and 2\.00 GB of GPU memory$/,
    );
    assert.match(
      factsLine({ ...FACTS, memoryBytes: { ram: 0, vram: 2e9 } }),
      /tokens.*; 2\.00 GB of GPU memory$/,
    );
  });
  test("counts as people say them", () => {
    const cases: [number, string][] = [
      [0, "0"],
      [999, "999"],
      [1500, "1.5K"],
      [999_600, "1.0M"],
      [494e6, "494M"],
      [7.24e9, "7.2B"],
      [70e9, "70B"],
      [2e15, "2000T"],
    ];
    for (const [count, expected] of cases) assert.equal(formatCount(count), expected);
  });
  test("a request to paste for what the model can do", () => {
    assert.match(curlFor("U", "m", FACTS), /^curl U\/chat\/completions .*"messages"/);
    assert.match(
      curlFor("U", "m", { ...FACTS, capabilities: ["embeddings"] }),
      /^curl U\/embeddings .*"input"/,
    );
    assert.match(
      curlFor("U", "m", { ...FACTS, capabilities: ["completions"] }),
      /^curl U\/completions .*"prompt"/,
    );
  });
  test("an address that works on this machine", () => {
    assert.equal(baseUrl("0.0.0.0", 1), "http://localhost:1/v1");
    assert.equal(baseUrl("192.168.0.7", 1), "http://192.168.0.7:1/v1");
    assert.equal(baseUrl("fe80::1", 1), "http://[fe80::1]:1/v1");
    assert.deepEqual(["127.0.0.1", "localhost", "::1", "0.0.0.0", "10.0.0.1"].map(isLoopback), [
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

const start = (isTTY: boolean) => {
  const written: string[] = [];
  return {
    written,
    screen: new Screen({ write: (text: string) => written.push(text), isTTY, columns: 80 }),
  };
};

/** What a terminal shows: a carriage return and an erasure clear the line. */
const shown = (written: string[]) =>
  written
    .join("")
    .split("\n")
    .map((line) => line.split("\r\u001b[K").at(-1));

describe("the screen", () => {
  const half = { phase: "downloading", receivedBytes: 50, totalBytes: 100 } as const;
  test("keeps the bar below the lines", () => {
    const { screen, written } = start(true);
    const bar = screen.progress("a");
    bar.report(half);
    screen.print("a line");
    assert.match(shown(written).join("|"), /^a line\|a: Downloading .*50%/);
    bar[Symbol.dispose]();
    screen.print("the end");
    assert.match(shown(written).join("|"), /^a line\|a: Downloading .*50%[^|]*\|the end\|$/);
  });
  test("shows one bar at a time, and the next when it is done", () => {
    const { screen, written } = start(true);
    const [first, second] = [screen.progress("a"), screen.progress("b")];
    first.report(half);
    second.report(half);
    assert.match(shown(written).at(-1) ?? "", /^a: /);
    first.report({ ...half, receivedBytes: 100 });
    assert.match(shown(written).at(-2) ?? "", /^a: .*100%/);
    assert.match(shown(written).at(-1) ?? "", /^b: /);
  });
  test("writes plain lines where there is no terminal", () => {
    const { screen, written } = start(false);
    using bar = screen.progress("a");
    bar.report(half);
    screen.print("a line");
    assert.deepEqual(written, ["a: Downloading:  50% of 100 B\n", "a line\n"]);
  });
});
