import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigurationError, readConfiguration } from "./configuration.ts";

const LEAST = { modelId: "tiny", createdSeconds: 0, weightsPath: "/models/tiny.gguf" };

function read(value: unknown) {
  return readConfiguration({ MODEL_SERVER_CONFIG: JSON.stringify(value) });
}

test("what is left out gets its default", () => {
  const config = read(LEAST);
  assert.equal(config.modelId, "tiny");
  assert.equal(config.engine.slots, 4);
  assert.equal(config.engine.flashAttention, true);
  assert.equal(config.host, "127.0.0.1");
  assert.deepEqual(config.sampling, {});
});

test("the example in the error message is a configuration", () => {
  assert.throws(
    () => readConfiguration({}),
    (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, /MODEL_SERVER_CONFIG/u);
      const example = /\{.*\}/u.exec(error.message)?.[0];
      assert.equal(readConfiguration({ MODEL_SERVER_CONFIG: example }).port, 8080);
      return true;
    },
  );
});

for (const text of ["", "{", "model: tiny"]) {
  test(`what is not JSON is told as such: ${JSON.stringify(text)}`, () => {
    assert.throws(() => readConfiguration({ MODEL_SERVER_CONFIG: text }), {
      name: "ConfigurationError",
      message: /Cannot read MODEL_SERVER_CONFIG as JSON: ./u,
    });
  });
}

test("every mistake is told at once, by its place", () => {
  assert.throws(
    () => read({ ...LEAST, modelId: 5, engine: { slots: 0 }, port: 70_000, prot: 1 }),
    (error) => {
      assert.ok(error instanceof ConfigurationError);
      for (const place of ["modelId", "engine.slots", "port", "prot"]) {
        assert.ok(error.message.includes(place), `${place} in ${error.message}`);
      }
      return true;
    },
  );
});

for (const value of [null, [], 7, "text"]) {
  test(`${JSON.stringify(value)} is no configuration`, () => {
    assert.throws(() => read(value), ConfigurationError);
  });
}
