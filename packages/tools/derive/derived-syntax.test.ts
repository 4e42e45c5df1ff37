import assert from "node:assert/strict";
import { test } from "node:test";
import { SYNTAXES } from "../fixtures/syntaxes.ts";
import { writtenCalls } from "../prompt/written-calls.ts";
import type { CallSyntax } from "../syntax/call-syntax.ts";
import { derivedSyntax } from "./derived-syntax.ts";
import { PROBES, type WrittenProbes } from "./probe-calls.ts";

/** What a template of this syntax makes of the probes. */
function probesOf(syntax: CallSyntax): WrittenProbes {
  const { full, quoting, empty, two } = PROBES;
  const write = (calls: Parameters<typeof writtenCalls>[1]) => writtenCalls(syntax, calls);
  return {
    full: write(full),
    quoting: write(quoting),
    empty: write(empty),
    plain: "Hello.<|end|>",
    ...(syntax.between !== undefined && { two: write(two) }),
  };
}

for (const syntax of SYNTAXES) {
  test(`${syntax.name}: from the calls that it writes is derived how to write them`, () => {
    const derived = derivedSyntax(probesOf(syntax));
    assert.ok(derived !== undefined, JSON.stringify(probesOf(syntax)));
    const calls = [
      { name: "f", arguments: { city: "Zürich", days: 3 } },
      { name: "g", arguments: {} },
    ];
    const written = syntax.between === undefined ? calls.slice(0, 1) : calls;
    assert.equal(writtenCalls(derived, written).trim(), writtenCalls(syntax, written).trim());
  });
}
