/** The thread that compiles languages, and lays out the vocabulary that they are followed in: see grammar-thread.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { Failure } from "@localmodel/inference/failure.ts";
import { packed } from "@localmodel/grammar/follow/packed-program.ts";
import { tokenTrie } from "@localmodel/grammar/follow/token-trie.ts";
import { Vocabulary, type VocabularySource } from "../text/vocabulary.ts";
import { compileLanguage } from "./compile.ts";
import type { Task, Done } from "./grammar-thread.ts";

function done(task: Task): Done {
  if (task.kind === "trie") return { trie: trieOf(workerData as VocabularySource) };
  try {
    return { program: packed(compileLanguage(task.language)) };
  } catch (error) {
    if (error instanceof Failure) return { failure: error.data };
    throw error;
  }
}

function trieOf(source: VocabularySource) {
  const vocabulary = new Vocabulary(source);
  return tokenTrie(Array.from({ length: vocabulary.size }, (_, token) => vocabulary.bytes(token)));
}

parentPort?.on("message", (task: Task) => parentPort?.postMessage(done(task)));
