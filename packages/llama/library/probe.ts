/** Run by choose.ts in a process of its own: whether these libraries load here, and find a device that is not the CPU. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { bindNative, libraryProblem, registerCallback } from "../native/native.ts";
import { LogLines } from "../logs/log-lines.ts";
import { hasGpu, loadBackends } from "./backends.ts";
import type { Libraries } from "./candidates.ts";

export type ProbeResult = {
  readonly found: boolean;
  /** Errors of llama.cpp's log, and of the system's loader, which llama.cpp keeps to itself. */
  readonly complaints: readonly string[];
};

/** As ggml calls what computes on devices, where that is another name. */
const BACKENDS: Readonly<Record<string, string>> = { rocm: "hip" };

process.once("message", (libraries: Libraries) => {
  process.send?.(probe(libraries), () => process.exit(0));
});

function probe(libraries: Libraries): ProbeResult {
  const complaints: string[] = [];
  try {
    const native = bindNative(libraries.paths);
    const lines = new LogLines();
    const callback = registerCallback("ggml_log_callback", (level, text) => {
      const said = lines.push(level, text).filter((line) => line.level === "error");
      complaints.push(...said.map(({ message }) => message));
    });
    native.call.llama_log_set(callback.address, null);
    const found = hasGpu(loadBackends(native, libraries));
    return {
      found,
      complaints: found ? complaints : [...complaints, ...loaderProblems(libraries)],
    };
  } catch (error) {
    return { found: false, complaints: [...complaints, String(error)] };
  }
}

/** What a backend needs and the system has not: a driver's library, mostly. */
function loaderProblems({ folder, fallbackFolder, gpu }: Libraries): readonly string[] {
  const backend = BACKENDS[String(gpu)] ?? gpu;
  return [folder, fallbackFolder]
    .filter((one) => one !== undefined)
    .flatMap((one) =>
      readdirSync(one)
        .filter((name) => name.includes(`ggml-${backend}`))
        .flatMap((name) => libraryProblem(path.join(one, name)) ?? [])
        .map((problem) => problem.replaceAll(`${one}${path.sep}`, "")),
    );
}
