/**
 * A model file's metadata as sections, `llama.attention.head_count` under `llama`, `attention`, `head_count`. Pure.
 *
 * They are the file's own claims: nothing here says that a value is of the kind that its name promises.
 */
import type { GgufValues } from "./gguf-header.ts";

export type Metadata = Readonly<Record<string, unknown>>;

type Section = { [name: string]: unknown };

export function metadataOf(values: GgufValues): Metadata {
  const metadata: Section = Object.create(null) as Section;
  for (const [key, value] of values) {
    const path = key.split(".");
    const name = path.pop() ?? "";
    const section = path.reduce((at, part) => (at[part] = sectionIn(at, part)), metadata);
    // A name that is a section as well stays one.
    if (!isSection(section[name])) section[name] = value;
  }
  return metadata;
}

function sectionIn(section: Section, part: string): Section {
  const found = section[part];
  return isSection(found) ? found : (Object.create(null) as Section);
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
}
