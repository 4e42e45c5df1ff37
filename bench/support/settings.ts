/** What every benchmark takes from its command line, with the defaults of the published figures. */
import { parseArgs } from "node:util";
import { smollm2Path } from "../../test/support/smollm2.ts";

type Settings = {
  /** The GGUF; default SmolLM2 from the cache. */
  readonly path: string;
  readonly threads: number;
  readonly rounds: number;
  /** Concurrent streams, where a benchmark compares several. */
  readonly streams: readonly number[];
  /** Tokens that every stream generates. */
  readonly tokens: number;
};

export async function settings(defaultRounds: number): Promise<Settings> {
  const { values } = parseArgs({
    options: {
      model: { type: "string" },
      threads: { type: "string", default: "2" },
      rounds: { type: "string", default: String(defaultRounds) },
      streams: { type: "string", default: "1,4,8" },
      tokens: { type: "string", default: "256" },
    },
  });
  return {
    path: values.model ?? (await smollm2Path()),
    threads: Number(values.threads),
    rounds: Number(values.rounds),
    tokens: Number(values.tokens),
    streams: values.streams.split(",").map(Number),
  };
}
