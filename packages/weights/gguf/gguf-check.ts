/**
 * Decides whether a file on disk is a complete GGUF, and says what it is instead.
 *
 * What arrives in place of a model is nearly always one of a few things: a login or error page, a JSON
 * error, a Git LFS pointer, an archive. Each gets its own sentence, because each has its own remedy. None repeats a byte
 * of it: whoever reads the sentence may not be allowed to read the file.
 */
import { open } from "node:fs/promises";
import { ByteCursor, type ByteSource, EndOfFileError } from "./byte-cursor.ts";
import { GGUF_MAGIC, type GgufHeader, readGgufHeader } from "./gguf-header.ts";
import { GgufHeaderError } from "./gguf-values.ts";
import { impossibleValue } from "./impossible-values.ts";
import { parseSplitName } from "./split-names.ts";
import { WeightsError } from "../source/weights-error.ts";

/** How many leading bytes `problemOfHead` wants to see. */
export const HEAD_BYTES = 512;

/** What is wrong with a file that starts like this; undefined if it may be a GGUF. */
export function problemOfHead(head: Buffer): string | undefined {
  const magic = head.subarray(0, 4).toString("latin1");
  if (magic === GGUF_MAGIC) return undefined;
  if (head.length === 0) return "the file is empty";
  const text = head.toString("utf8").trimStart();
  const found = describeText(text) ?? describeBinary(head);
  return `${found} instead of a GGUF`;
}

function describeText(text: string): string | undefined {
  if (/^<(!doctype|html|head|body|\?xml|!--)/i.test(text)) {
    return "there is a web page (a login, error or file-listing page: check the URL)";
  }
  if (text.startsWith("version https://git-lfs")) {
    return "there is a Git LFS pointer (ask for the file itself, with /resolve/ or /raw/lfs in the URL, or run `git lfs pull`)";
  }
  if (/^[{[]/.test(text)) return "there is JSON (an answer of a service: check the URL)";
  return undefined;
}

const SIGNATURES: readonly (readonly [latin1: string, what: string])[] = [
  ["PK\u0003\u0004", "there is a zip archive or PyTorch checkpoint"],
  ["\u001f\u008b", "there is gzip-compressed data"],
  ["lmgg", "there is a file of the retired GGML format"],
  ["tjgg", "there is a file of the retired GGJT format"],
  ["fmgg", "there is a file of the retired GGMF format"],
];

function describeBinary(head: Buffer): string {
  const start = head.toString("latin1");
  const known = SIGNATURES.find(([signature]) => start.startsWith(signature));
  if (known !== undefined) return known[1];
  if (start.startsWith('{"', 8)) return "there is a safetensors file (convert it to GGUF first)";
  return "there is something of an unknown kind";
}

/** Throws a WeightsError unless `path` holds a complete GGUF; `name` is what it is called at its source. */
export async function requireGguf(path: string, name: string): Promise<GgufHeader> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  return await checkGguf(file, size, name);
}

/** The same for bytes from anywhere; a `size` of Infinity is one that nobody knows. */
export async function checkGguf(
  source: ByteSource,
  size: number,
  name: string,
): Promise<GgufHeader> {
  const problem = problemOfHead(await readHead(source));
  if (problem !== undefined) throw new WeightsError("NotAGguf", problem);
  const header = await headerIn(source, size);
  if (header === undefined) {
    const where = Number.isFinite(size) ? `, after ${size} bytes` : "";
    throw new WeightsError("Truncated", `the file ends inside its header${where}`);
  }
  if (size < header.requiredBytes) {
    throw new WeightsError(
      "Truncated",
      `the file has ${size} bytes, its header describes ${header.requiredBytes}: the end is missing`,
    );
  }
  const impossible = impossibleValue(header.values);
  if (impossible !== undefined) {
    throw new WeightsError(
      "NotAGguf",
      `not a usable GGUF: ${impossible}. It was converted wrongly or is damaged; get another copy`,
    );
  }
  requirePart(header, name);
  return header;
}

/** The header of a file that is still on its way; undefined while it has not come whole. */
export async function arrivedHeader(path: string): Promise<GgufHeader | undefined> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  return await headerIn(file, size);
}

/** Undefined where the bytes end inside it. */
async function headerIn(source: ByteSource, size: number): Promise<GgufHeader | undefined> {
  const cursor = new ByteCursor(source, Math.min(size, Number.MAX_SAFE_INTEGER));
  try {
    return await readGgufHeader(cursor);
  } catch (error) {
    if (error instanceof EndOfFileError) return undefined;
    if (!(error instanceof GgufHeaderError)) throw error;
    throw new WeightsError("NotAGguf", `not a usable GGUF: ${error.message}`);
  }
}

async function readHead(source: ByteSource): Promise<Buffer> {
  const head = Buffer.alloc(HEAD_BYTES);
  let length = 0;
  while (length < HEAD_BYTES) {
    const { bytesRead } = await source.read(head, length, HEAD_BYTES - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return head.subarray(0, length);
}

/** A part under a wrong name would be found out by llama.cpp only after everything is downloaded. */
function requirePart(header: GgufHeader, name: string): void {
  const split = parseSplitName(name);
  const parts = header.splitCount ?? 0;
  if (split === undefined) {
    if (parts <= 1) return;
    throw new WeightsError(
      "InvalidSource",
      `"${name}" is part ${(header.splitNumber ?? 0) + 1} of a GGUF split into ${parts}: the source must name a first part that ends in "-00001-of-${String(parts).padStart(5, "0")}.gguf"`,
    );
  }
  const isThatPart = parts === split.parts && header.splitNumber === split.part - 1;
  if (parts <= 1 && split.parts === 1) return;
  if (isThatPart) return;
  throw new WeightsError(
    "InvalidSource",
    `"${name}" should be part ${split.part} of ${split.parts}; the file says it is part ${(header.splitNumber ?? 0) + 1} of ${Math.max(parts, 1)}`,
  );
}
