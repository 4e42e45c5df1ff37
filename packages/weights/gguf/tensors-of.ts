/** The tensors of a model on disk, by the headers of all its parts. */
import { open } from "node:fs/promises";
import { ByteCursor } from "./byte-cursor.ts";
import { readGgufHeader, type TensorFact } from "./gguf-header.ts";
import { parseSplitName, withPart } from "./split-names.ts";

/** `path`: of the first part, where there are several. */
export async function tensorsOf(path: string): Promise<readonly TensorFact[]> {
  const { parts = 1 } = parseSplitName(path) ?? {};
  const tensors: TensorFact[] = [];
  for (let part = 1; part <= parts; part += 1) {
    await using file = await open(parts === 1 ? path : withPart(path, part), "r");
    const { size } = await file.stat();
    await readGgufHeader(new ByteCursor(file, size), (tensor) => tensors.push(tensor));
  }
  return tensors;
}
