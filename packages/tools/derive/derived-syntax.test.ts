import assert from "node:assert/strict";
import { test } from "node:test";
import { probesOf } from "../fixtures/probes-of.ts";
import { syntaxNamed, SYNTAXES } from "../fixtures/syntaxes.ts";
import { writtenCalls } from "../prompt/written-calls.ts";
import { derivedSyntax } from "./derived-syntax.ts";

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

test("to whom answers without calls are addressed is no tool", () => {
  const probes = probesOf(syntaxNamed("addressed"));
  const plain = " to=user<|message|>Hello.<|end|>";
  const derived = derivedSyntax({ ...probes, plain });
  assert.deepEqual([derived?.marker, derived?.reserved], [" to={name}<|message|>", ["user"]]);
});
