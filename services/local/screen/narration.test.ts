import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { baseUrl, curlFor, factsLine, formatCount, isLoopback } from "./narration.ts";

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
    assert.match(curlFor("U", "m", FACTS.capabilities), /^curl U\/chat\/completions .*"messages"/);
    assert.match(curlFor("U", "m", ["embeddings"]), /^curl U\/embeddings .*"input"/);
    assert.match(curlFor("U", "m", ["rerank"]), /^curl U\/rerank .*"query".*"documents"/);
    assert.match(curlFor("U", "m", ["completions"]), /^curl U\/completions .*"prompt"/);
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
