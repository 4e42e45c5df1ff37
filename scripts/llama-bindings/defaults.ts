/**
 * What llama.cpp's `*_default_params` functions answer, out of their source.
 *
 * A test compares it with what the library answers through the binding: a field that is missing, of another type or
 * at another place makes the values after it differ.
 */
import type { Header } from "./c-header.ts";

const ANSWERERS = [
  "llama_model_default_params",
  "llama_context_default_params",
  "llama_sampler_chain_default_params",
];

/** TypeScript with the values, in the order of the fields. */
export function readDefaults(sources: readonly string[], { constants }: Header): string {
  const defines = new Map(
    [...sources.join("\n").matchAll(/^#define (\w+)\s+(\d+)/gm)].map(
      ([, name = "", value = ""]) => [name, Number(value)] as const,
    ),
  );
  const pages = ANSWERERS.map((name) => {
    const body = sources
      .map((text) => new RegExp(`\\b${name}\\(\\) \\{([\\s\\S]*?)\\n\\}`).exec(text)?.[1])
      .find((text) => text !== undefined);
    if (body === undefined) throw new Error(`llama.cpp's source has no ${name}`);
    const values = [...body.matchAll(/\/\*\.\w+\s*=\*\/ ([^,]+),/g)].map(([, text = ""]) => {
      const value = literal(text.trim()) ?? constants.get(text.trim()) ?? defines.get(text.trim());
      if (value === undefined) throw new Error(`Cannot read ${text}, a default of ${name}`);
      return value;
    });
    return `  ${name}: [${values.join(", ")}],`;
  });
  return `export const DEFAULTS = {\n${pages.join("\n")}\n} as const;\n`;
}

function literal(text: string): string | undefined {
  if (text === "nullptr") return "null";
  if (text === "true" || text === "false") return text;
  const [number] = /^-?\d+(\.\d+)?(?=f?$)/.exec(text) ?? [];
  return number === undefined ? undefined : String(Number(number));
}
