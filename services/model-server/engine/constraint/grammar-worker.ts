/** The thread that compiles languages: see grammar-thread.ts. */
import { parentPort } from "node:worker_threads";
import type { Language } from "@localmodel/inference/constraint.ts";
import { Failure } from "@localmodel/inference/failure.ts";
import { compileLanguage } from "./compile.ts";
import type { Compiled } from "./grammar-thread.ts";

function compiled(language: Language): Compiled {
  try {
    return { program: compileLanguage(language) };
  } catch (error) {
    if (error instanceof Failure) return { failure: error.data };
    throw error;
  }
}

parentPort?.on("message", (language: Language) => parentPort?.postMessage(compiled(language)));
