import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { CLASS_KIND, LocalModelClassSpec } from "./class-spec.ts";
import { API_VERSION } from "./localmodel.ts";

const folder = path.join(import.meta.dirname, "../../../examples/classes");

for (const file of readdirSync(folder)) {
  test(`the example classes/${file} is a class`, () => {
    const object = parse(readFileSync(path.join(folder, file), "utf8")) as Record<string, unknown>;
    assert.equal(object["apiVersion"], API_VERSION);
    assert.equal(object["kind"], CLASS_KIND);
    LocalModelClassSpec.parse(object["spec"]);
  });
}
