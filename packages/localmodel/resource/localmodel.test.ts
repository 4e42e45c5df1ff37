import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { parseDocuments } from "../documents/documents.ts";
import type { z } from "zod";
import { API_VERSION, KIND, LocalModel, LocalModelSpec, modelIdOf } from "./localmodel.ts";
import { arbitraryInput } from "../../../test/support/schema-arbitrary.ts";

type LocalModelInput = z.input<typeof LocalModel>;

const source = { file: { path: "model.gguf" } };

/** A valid model; each case states only what it is about. */
function document(spec: object = {}, metadata: object = {}): LocalModelInput {
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name: "llama", ...metadata },
    spec: { source, ...spec },
  };
}

function messagesFor(value: unknown): string {
  const issues = LocalModel.safeParse(value).error?.issues ?? [];
  return issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n");
}

test("LocalModel fills in every default of a document that only names a source", () => {
  assert.deepEqual(LocalModel.parse(document()).spec, {
    source,
    aliases: [],
    engine: {
      slots: 4,
      maxQueuedRequests: 128,
      batchTokens: 512,
      flashAttention: true,
      kvCacheType: "f16",
    },
    sampling: {},
    replicas: 1,
    rollout: { strategy: "Automatic", drainSeconds: 600, paused: false },
    promptLogging: false,
  });
});

test("LocalModel keeps an explicit zero: suspended is not unset", () => {
  assert.equal(LocalModel.parse(document({ replicas: 0 })).spec.replicas, 0);
});

test("LocalModel reads a quantity written as a number as text", () => {
  const { spec } = LocalModel.parse(
    document({ resources: { requests: { cpu: 2, memory: "4Gi" } } }),
  );
  assert.deepEqual(spec.resources, { requests: { cpu: "2", memory: "4Gi" } });
});

test("LocalModel accepts what kubectl get prints", () => {
  const printed = {
    ...document({}, { resourceVersion: "7", managedFields: [{}], creationTimestamp: null }),
    status: { conditions: [], somethingNewer: true },
  };
  assert.equal(messagesFor(printed), "");
});

test("modelIdOf is the id given, else the object's name", () => {
  assert.equal(modelIdOf(LocalModel.parse(document())), "llama");
  assert.equal(modelIdOf(LocalModel.parse(document({ modelId: "org/llama:8b" }))), "org/llama:8b");
});

const refused: Record<string, [spec: object, message: RegExp]> = {
  "a model id that is no path of a URL": [{ modelId: "../admin" }, /spec.modelId: must be a model/],
  "an alias twice": [{ aliases: ["a", "a"] }, /spec.aliases: must not name an alias twice/],
  "a fractional CPU without quotes": [
    { resources: { limits: { cpu: 0.5 } } },
    /spec.resources.limits.cpu/,
  ],
  "a negative quantity": [{ resources: { limits: { cpu: -1 } } }, /spec.resources.limits.cpu/],
  "devices that spec.gpu does not know of": [
    { resources: { limits: { "nvidia.com/gpu": 8 } } },
    /spec\.resources\.limits.*: must have as its key a resource .*belong in spec\.gpu; found "nvidia\.com\/gpu"/,
  ],
  "a label value with a space": [
    { podMetadata: { labels: { a: "b c" } } },
    /spec.podMetadata.labels.a/,
  ],
  "a label key with a space": [
    { podMetadata: { labels: { "a b": "c" } } },
    /must have as its key a qualified name/,
  ],
  "labels of the operator": [
    { podMetadata: { labels: { "localmodel.dev/model": "x" } } },
    /belongs to the operator/,
  ],
  "a claim template together with a GPU memory": [
    { gpu: { resourceClaimTemplateName: "a", memory: "8Gi" } },
    /the claim selects the devices/,
  ],
  "a cache that is two claims": [
    { cache: { claimName: "a", claimTemplate: { size: "1Gi" } } },
    /exactly one of claimName and claimTemplate/,
  ],
  "a cache that is no claim": [{ cache: {} }, /exactly one of claimName and claimTemplate/],
  "a variable with a value and a source": [
    { env: [{ name: "A", value: "1", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }] },
    /both value and valueFrom/,
  ],
  "a variable twice": [{ env: [{ name: "A" }, { name: "A" }] }, /"A" occurs twice/],
  "a toleration of one taint that names none": [
    { tolerations: [{ value: "x" }] },
    /operator must be Exists when key is not set/,
  ],
  "an adapter's id twice": [
    { adapters: ["a", "a"].map((id) => ({ id, file: { path: "/a.gguf" } })) },
    /adapter's id twice/,
  ],
  "an adapter that is called like an alias": [
    { aliases: ["a"], adapters: [{ id: "a", file: { path: "/a.gguf" } }] },
    /id of the model itself/,
  ],
  "an adapter without a source": [{ adapters: [{ scale: 1 }] }, /exactly one of/],
  "NaN as a temperature": [{ sampling: { temperature: Number.NaN } }, /sampling.temperature/],
};

for (const [name, [spec, message]] of Object.entries(refused)) {
  test(`LocalModel refuses ${name}`, () => {
    assert.match(messagesFor(document(spec)), message);
  });
}

test("LocalModel takes quantities of all that every node has", () => {
  const quantities = { cpu: 1, memory: "4Gi", "ephemeral-storage": "1Gi", "hugepages-2Mi": "2Mi" };
  assert.equal(
    messagesFor(document({ resources: { requests: quantities, limits: quantities } })),
    "",
  );
});

test("LocalModel takes names of 63 characters and no more", () => {
  assert.equal(messagesFor(document({}, { name: "a".repeat(63) })), "");
  assert.notEqual(messagesFor(document({}, { name: "a".repeat(64) })), "");
});

test("LocalModel counts characters as the API server does: an emoji is one", () => {
  assert.equal(messagesFor(emojis(32_768)), "");
  assert.notEqual(messagesFor(emojis(32_769)), "");
});

function emojis(count: number): LocalModelInput {
  return document({ env: [{ name: "A", value: "😀".repeat(count) }] });
}

test("LocalModel judges any JSON without throwing", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      LocalModel.safeParse(value);
      LocalModel.safeParse({ apiVersion: API_VERSION, kind: KIND, metadata: value, spec: value });
      LocalModel.safeParse(document(Object.fromEntries(fields.map((field) => [field, value]))));
    }),
  );
});

const fields = Object.keys(LocalModel.shape.spec.shape);

test("every valid LocalModel survives YAML: written and read back it is the same", () => {
  fc.assert(
    fc.property(arbitraryInput(LocalModel.shape.spec), (spec) => {
      const model = { apiVersion: API_VERSION, kind: KIND, metadata: { name: "m" }, spec };
      const { models, problems } = parseDocuments(stringify(model), "round-trip.yaml");
      assert.deepEqual(problems, []);
      assert.deepEqual(models[0]?.model, LocalModel.parse(model));
    }),
    { numRuns: 200 },
  );
});

test("a parsed LocalModel parses to itself: defaults are stable", () => {
  fc.assert(
    fc.property(arbitraryInput(LocalModel.shape.spec), (spec) => {
      const once = LocalModel.parse(document(spec));
      assert.deepEqual(LocalModel.parse(parse(JSON.stringify(once))), once);
    }),
  );
});

const scaled = (scaling: object) =>
  LocalModelSpec.safeParse({ source: { http: { url: "https://a.example/m.gguf" } }, scaling });

test("a model scales between bounds that fit together", () => {
  assert.deepEqual(scaled({}).data?.scaling, {
    minReplicas: 0,
    maxReplicas: 1,
    idleSeconds: 3600,
    scaleDownSeconds: 300,
    activationTimeoutSeconds: 600,
    sleep: "zero",
  });
  assert.ok(scaled({ minReplicas: 2, maxReplicas: 2 }).success);
  const wrong = scaled({ minReplicas: 3, maxReplicas: 2 });
  assert.deepEqual(wrong.error?.issues[0]?.path, ["scaling", "minReplicas"]);
});

test("windows of a schedule have days, two times and a zone, and fit under maxReplicas", () => {
  const nine = { from: "09:00", to: "17:30" };
  assert.deepEqual(scaled({ schedule: [nine] }).data?.scaling?.schedule, [
    { ...nine, timeZone: "UTC", minReplicas: 1 },
  ]);
  const wrong = scaled({ maxReplicas: 2, schedule: [nine, { ...nine, minReplicas: 3 }] });
  assert.deepEqual(wrong.error?.issues[0]?.path, ["scaling", "schedule", 1, "minReplicas"]);
  for (const window of [{ ...nine, to: "24:00" }, { ...nine, days: ["Someday"] }, { from: "9" }]) {
    assert.equal(scaled({ schedule: [window] }).success, false, JSON.stringify(window));
  }
});
