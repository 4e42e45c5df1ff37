/** Weights that llama.cpp refuses: its own reason, and what to do where that is known. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { writeChanged, writeHeader } from "../support/broken-models.ts";
import { metadataValue } from "../support/gguf.ts";
import { ModelServer } from "../support/model-server.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { writeTinyChatModel } from "../support/tiny-models.ts";

const { text } = metadataValue;
/** A key of GGUF, and how its text begins. */
const ARCHITECTURE = "general.architecture\x08\0\0\0\x05\0\0\0\0\0\0\0";

let folder: TemporaryFolder;
let good: string;
before(async () => {
  folder = await TemporaryFolder.create();
  good = folder.file("good.gguf");
  await writeTinyChatModel(good);
});
after(() => folder[Symbol.asyncDispose]());

type Refused = {
  readonly what: string;
  readonly write: (path: string) => Promise<void>;
  readonly reason: RegExp;
  readonly advice: RegExp;
};

const REFUSED: readonly Refused[] = [
  {
    what: "of an architecture that it does not know",
    write: (path) =>
      writeChanged(path, good, { from: `${ARCHITECTURE}llama`, to: `${ARCHITECTURE}lloma` }),
    reason: /unknown model architecture: 'lloma'/,
    advice: /use a later version, or another model/,
  },
  {
    what: "with a pre-tokenizer that it does not know",
    write: (path) => writeTinyChatModel(path, { preTokenizer: "novel-tokenizer" }),
    reason: /unknown pre-tokenizer type: 'novel-tokenizer'/,
    advice: /how the model splits text: use a later version/,
  },
  {
    what: "that lack a tensor",
    write: (path) =>
      writeChanged(path, good, { from: "blk.1.ffn_up.weight", to: "blk.1.ffn_xx.weight" }),
    reason: /tensor 'blk\.1\.ffn_up\.weight'/,
    advice: /incomplete, or were converted/,
  },
  {
    what: "without a tokenizer",
    write: (path) =>
      writeChanged(path, good, { from: "tokenizer.ggml.model", to: "tokenizer.ggml.modes" }),
    reason: /tokenizer\.ggml\.model/,
    advice: /no tokenizer that llama\.cpp can use/,
  },
  {
    what: "that are an image projector",
    write: (path) => writeHeader(path, { "general.architecture": text("clip") }),
    reason: /CLIP cannot be used/,
    advice: /image projector \(mmproj\).*name the file of the language model/,
  },
];

for (const { what, write, reason, advice } of REFUSED) {
  test(`weights ${what} are refused with llama.cpp's own reason`, async () => {
    const weightsPath = folder.file("refused.gguf");
    await write(weightsPath);
    await using server = new ModelServer({ weightsPath });
    const state = await server.until((one) => one.state === "failed");
    assert.ok(state.state === "failed");
    assert.equal(state.reason, "LoadFailed");
    for (const expected of [reason, advice]) assert.match(state.message, expected);
    const readiness = await (await fetch(`${server.url}/readyz`)).text();
    assert.match(readiness, reason);
  });
}
