import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ObjectCache } from "@localmodel/kube/cache/object-cache.ts";
import type { Reflector } from "@localmodel/kube/cache/reflector.ts";
import { silentLog } from "@localmodel/kube/log.ts";
import {
  LocalModelClassSpec,
  type LocalModelClassSpecInput,
} from "@localmodel/localmodel/resource/class-spec.ts";
import { http, platform } from "./fixtures/models.ts";
import type { StoredModel } from "./model/local-model-resource.ts";
import type { StoredClass } from "./model/model-class.ts";
import { isSuspended, readSpec } from "./model/model.ts";
import { allIdsOf, ID_INDEX } from "./observe/duplicates.ts";
import { underClass } from "./under-class.ts";

let models: ObjectCache<StoredModel>;
let classes: ObjectCache<StoredClass>;

beforeEach(() => {
  models = new ObjectCache<StoredModel>(silentLog, { [ID_INDEX]: allIdsOf });
  classes = new ObjectCache<StoredClass>(silentLog);
});

function addClass(name: string, spec: LocalModelClassSpecInput): void {
  classes.put({ metadata: { name, resourceVersion: "1" }, spec });
}

type Given = { readonly spec: object; readonly status?: StoredModel["status"] };

function add(key: string, createdAt: string, { spec, status = {} }: Given): StoredModel {
  const [namespace = "", name = ""] = key.split("/");
  const metadata = { namespace, name, creationTimestamp: createdAt, resourceVersion: "1" };
  models.put({ metadata, spec: { source: { http }, ...spec }, status });
  const stored = models.get(key);
  assert.ok(stored);
  return stored;
}

function modelOf(stored: StoredModel, defaultClass?: LocalModelClassSpecInput) {
  const read = readSpec(stored.spec);
  assert.ok("spec" in read);
  const reflector = { cache: classes } as unknown as Reflector<StoredClass>;
  const given = defaultClass && LocalModelClassSpec.parse(defaultClass);
  const caches = { classes: reflector, modelCaches: [models], defaultClass: given };
  return underClass({ caches, platform: () => platform }, stored, read).model;
}

const OLDER = "2026-01-01T00:00:00Z";
const YOUNGER = "2026-02-01T00:00:00Z";
const ID = "team-a/llama";

test("an older LocalModel stops nobody by claiming an id that its class forbids, whatever its status still says", () => {
  addClass("default", { modelIds: ["{namespace}/*"] });
  const owner = add("team-a/llama", YOUNGER, { spec: { modelId: ID } });
  const status = { observedGeneration: 1, allowedIds: ["team-b/mine"] };
  add("team-b/mine", OLDER, { spec: { modelId: ID }, status });
  const { claim } = modelOf(owner);
  assert.deepEqual([claim.held, claim.lost], [[ID], []]);
  assert.equal(isSuspended(modelOf(owner)), false);
});

test("nobody gets rid of the rules of his class by naming one that is missing or for others", () => {
  addClass("default", { modelIds: ["{namespace}/*"] });
  addClass("platform", { allowedNamespaces: ["platform"] });
  const owner = add("team-a/llama", YOUNGER, { spec: { modelId: ID } });
  for (const className of ["missing", "platform"]) {
    add("team-b/mine", OLDER, { spec: { modelId: ID, className } });
    assert.deepEqual(modelOf(owner).claim.held, [ID], className);
  }
});

test("a LocalModel whose class goes away keeps the ids that it had", () => {
  const status = { observedGeneration: 1, allowedIds: ["llama"] };
  const older = add("team-a/llama", OLDER, { spec: { className: "gone" }, status });
  add("team-b/llama", YOUNGER, { spec: {} });
  const { claim, allowedIds } = modelOf(older);
  assert.deepEqual([claim.held, allowedIds], [["llama"], ["llama"]]);
});

test("what a class refuses is in the status, and what nothing speaks against as well", () => {
  addClass("default", { modelIds: ["{namespace}/*"] });
  const spec = { modelId: ID, aliases: ["llama"] };
  const { allowedIds, refusedIds } = modelOf(add("team-a/llama", OLDER, { spec }));
  assert.deepEqual([allowedIds, refusedIds], [[ID], ["llama"]]);
});

test("the platform's own default is for who names no class, until there is a LocalModelClass of that name", () => {
  const platformDefault = { nodeSelector: { pool: "gpu" } };
  const plain = add("team-a/llama", OLDER, { spec: {} });
  assert.deepEqual(modelOf(plain, platformDefault).spec.nodeSelector, { pool: "gpu" });
  const named = add("team-a/named", OLDER, { spec: { className: "default" } });
  assert.deepEqual(modelOf(named, platformDefault).spec.nodeSelector, { pool: "gpu" });
  addClass("default", { nodeSelector: { pool: "cpu" } });
  assert.deepEqual(modelOf(plain, platformDefault).spec.nodeSelector, { pool: "cpu" });
});
