import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { metadataOf } from "./metadata.ts";

test("names with points become sections", () => {
  const metadata = metadataOf(
    new Map<string, number | string>([
      ["general.architecture", "llama"],
      ["llama.block_count", 30],
      ["llama.attention.head_count", 9],
    ]),
  );
  assert.equal(
    JSON.stringify(metadata),
    '{"general":{"architecture":"llama"},"llama":{"block_count":30,"attention":{"head_count":9}}}',
  );
});

test("a name that is a value and a section as well stays a section, in either order", () => {
  for (const keys of [
    ["a.b", "a.b.c"],
    ["a.b.c", "a.b"],
  ]) {
    const metadata = metadataOf(new Map(keys.map((key) => [key, 1])));
    assert.equal(JSON.stringify(metadata), '{"a":{"b":{"c":1}}}');
  }
});

test("no name reaches anything but the metadata itself", () => {
  const names = fc.constantFrom("__proto__", "constructor", "prototype", "toString", "a", "");
  fc.assert(
    fc.property(fc.array(names, { minLength: 1, maxLength: 4 }), (path) => {
      metadataOf(new Map([[path.join("."), "odd"]]));
      assert.equal(({} as Record<string, unknown>)["odd"], undefined);
      assert.equal(Object.prototype.toString.call({}), "[object Object]");
      assert.equal(Object.keys(Object.prototype).length, 0);
    }),
  );
});
