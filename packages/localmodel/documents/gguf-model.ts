/** A LocalModel for a bare `model.gguf`, named after the file. */
import path from "node:path";
import type { EngineSpec } from "../resource/engine-spec.ts";
import { API_VERSION, KIND, LocalModel } from "../resource/localmodel.ts";

const NAME_LENGTH_MAX = 63;
/** Room for `-2` to `-999` when the name is taken. */
const STEM_LENGTH_MAX = NAME_LENGTH_MAX - 4;

type GgufOptions = {
  readonly engine?: Partial<EngineSpec>;
  /** Whether it is loaded only while somebody asks for it. */
  readonly sleeps?: boolean;
};

/** `absolutePath` is the file, or the first part of a split one; `taken` are names in use. */
export function modelFromGguf(
  absolutePath: string,
  taken: ReadonlySet<string>,
  { engine = {}, sleeps = false }: GgufOptions = {},
): LocalModel {
  return LocalModel.parse({
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name: freeName(nameFromFile(absolutePath), taken) },
    spec: {
      source: { file: { path: absolutePath } },
      engine,
      ...(sleeps && { scaling: {} }),
    },
  });
}

/** The file's name as an RFC 1123 label: `Qwen2.5_0.5B-Q8.gguf` gives `qwen2-5-0-5b-q8`. */
export function nameFromFile(file: string): string {
  const name = path
    .basename(file)
    .replace(/\.gguf$/i, "")
    .replace(/-\d{5}-of-\d{5}$/, "")
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, STEM_LENGTH_MAX)
    .replace(/^-+|-+$/g, "");
  return name === "" ? "model" : name;
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}-${number}`;
  return free;
}
