/** What somebody refuses with. */
import assert from "node:assert/strict";
import { Failure } from "@localmodel/inference/failure.ts";

export function refusalOf(act: () => unknown): Failure {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "It was not refused." });
}
