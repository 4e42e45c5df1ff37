/**
 * SmolLM2-135M-Instruct, the smallest model that makes sense of a question: what tests use where an
 * answer must mean something.
 *
 * `scripts/fetch-test-model.ts` brings it into the cache; `npm test` does that first. A test only asks
 * where it is, and asking twice is cheap.
 */
import { fetchTestModel } from "../../scripts/fetch-test-model.ts";

let path: Promise<string> | undefined;

export function smollm2Path(): Promise<string> {
  path ??= fetchTestModel();
  return path;
}
