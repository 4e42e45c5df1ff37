/** GGUFs that are well formed and mean nothing, for tests that move files and never load them. */
import { createHash } from "node:crypto";
import { encodeGguf, type GgufValue, metadataValue } from "./gguf.ts";
import { normalValues, seededRandom } from "./seeded-random.ts";

type SampleOptions = {
  /** Different seeds give different bytes of the same length. */
  readonly seed?: number;
  readonly rows?: number;
  readonly split?: { readonly part: number; readonly parts: number };
};

/** About 4 kB per row of tensor data. */
export function sampleGguf({ seed = 1, rows = 8, split }: SampleOptions = {}): Buffer {
  const count = rows * 1024;
  return encodeGguf({
    metadata: {
      "general.architecture": metadataValue.text("llama"),
      "tokenizer.ggml.tokens": metadataValue.texts(["<s>", "</s>", "a", "b"]),
      ...(split === undefined
        ? {}
        : { "split.no": u16(split.part - 1), "split.count": u16(split.parts) }),
    },
    tensors: [
      {
        name: "token_embd.weight",
        dimensions: [1024, rows],
        type: "f32",
        values: normalValues(seededRandom(seed), count, 1),
      },
    ],
  });
}

export function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function u16(value: number): GgufValue {
  const encoded = Buffer.alloc(6);
  encoded.writeUInt32LE(2, 0);
  encoded.writeUInt16LE(value, 4);
  return { encoded };
}
