import assert from "node:assert/strict";
import { test } from "node:test";
import { probesOf } from "../fixtures/probes-of.ts";
import { syntaxNamed } from "../fixtures/syntaxes.ts";
import { toolSyntaxOf } from "./tool-syntax.ts";

const GLM = syntaxNamed("glm");
const SOURCE = "{{ '<tool_call>' }}{{ '<arg_key>' }}{{ '<arg_value>' }}";

test("a member of a family that writes less white space is held to what it writes", () => {
  const form = {
    ...GLM.form,
    afterName: "",
    afterKey: "</arg_key><arg_value>",
    afterValue: "</arg_value>",
  } as typeof GLM.form;
  const found = toolSyntaxOf(SOURCE, probesOf({ ...GLM, form }));
  assert.equal(found.name, "glm");
  assert.deepEqual(found.form, form);
});

test("one that writes other tags is held to its family's", () => {
  const form = { ...GLM.form, after: "</other>" } as typeof GLM.form;
  assert.deepEqual(toolSyntaxOf(SOURCE, probesOf({ ...GLM, form })), GLM);
});

test("a template of no family whose calls nobody has seen is told how to call", () => {
  assert.equal(toolSyntaxOf("{{ messages }}", undefined).name, "generic");
});
