/**
 * Files a download can leave where a GGUF should be. None of them may ever be served.
 */
import { readFile, writeFile } from "node:fs/promises";
import { encodeGguf, type GgufValue, metadataValue } from "./gguf.ts";

/** The first part of a good file: `fraction` of its bytes. */
export async function writeTruncated(
  path: string,
  goodPath: string,
  fraction: number,
): Promise<void> {
  const bytes = await readFile(goodPath);
  await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * fraction)));
}

/** What a proxy or a login page answers instead of the file. */
export async function writeHtml(path: string): Promise<void> {
  await writeFile(path, "<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n");
}

/** A good file whose first four bytes are not "GGUF". */
export async function writeWrongMagic(path: string, goodPath: string): Promise<void> {
  const bytes = await readFile(goodPath);
  bytes.write("ZIPF", 0, "latin1");
  await writeFile(path, bytes);
}

/** A good file in which one text is another of the same length. */
export async function writeChanged(
  path: string,
  goodPath: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  const bytes = await readFile(goodPath);
  const place = bytes.indexOf(from);
  if (place < 0 || from.length !== to.length) throw new Error(`cannot change ${from} to ${to}`);
  bytes.write(to, place, "latin1");
  await writeFile(path, bytes);
}

/** A header alone. */
export async function writeHeader(
  path: string,
  metadata: Readonly<Record<string, GgufValue>>,
): Promise<void> {
  const values = Float32Array.of(1, 2, 3, 4);
  const tensor = { name: "token_embd.weight", dimensions: [4], type: "f32", values } as const;
  await writeFile(path, encodeGguf({ metadata, tensors: [tensor] }));
}

/** One whose numbers llama.cpp takes for impossible, and aborts at. */
export async function writeAborting(path: string): Promise<void> {
  const { text, texts, u32 } = metadataValue;
  await writeHeader(path, {
    "general.architecture": text("llama"),
    "llama.context_length": u32(2048),
    "llama.embedding_length": u32(64),
    "llama.block_count": u32(1),
    "llama.expert_count": u32(100_000),
    "llama.expert_used_count": u32(2),
    "tokenizer.ggml.tokens": texts(["a", "b"]),
  });
}
