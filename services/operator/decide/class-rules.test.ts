import assert from "node:assert/strict";
import { test } from "node:test";
import {
  LocalModelClassSpec,
  type LocalModelClassSpecInput,
} from "@localmodel/localmodel/resource/class-spec.ts";
import { modelWith } from "../fixtures/models.ts";
import type { ClassFound } from "../model/model-class.ts";
import { cappedBy, classProblem, idRights } from "./class-rules.ts";

const NOTHING = { replicas: 0, devices: 0, deviceMemory: 0 };

function member(ids: { modelId: string; aliases?: readonly string[] }, namespace = "team-a") {
  const { spec } = modelWith();
  return { aliases: [], adapterIds: [], allowedIds: [], ...ids, namespace, spec };
}

const found = (spec: LocalModelClassSpecInput): ClassFound => ({
  kind: "found",
  name: "gpu",
  spec: LocalModelClassSpec.parse(spec),
});

test("without a class nothing is refused, and a class that is named has to be there", () => {
  assert.equal(classProblem(member({ modelId: "a" }), { kind: "none" }), undefined);
  const missing = { kind: "missing", name: "gpu", why: "There is none." } as const;
  const problem = classProblem(member({ modelId: "a" }), missing);
  assert.equal(problem?.reason, "ClassMissing");
  assert.match(problem.message, /^There is none\. Until then/);
});

test("a class is for the namespaces that it names", () => {
  const only = found({ allowedNamespaces: ["team-*"] });
  assert.equal(classProblem(member({ modelId: "a" }), only), undefined);
  const other = classProblem(member({ modelId: "a" }, "other"), only);
  assert.equal(other?.reason, "ClassForbidden");
  assert.match(other.message, /is not for the namespace other/);
});

test("ids are those that the class lets the namespace have, aliases included", () => {
  const own = found({ modelIds: ["{namespace}/*", "shared.x"] });
  const refusedIds = (one: ReturnType<typeof member>) => idRights(one, own).refused;
  assert.deepEqual(refusedIds(member({ modelId: "team-a/llama" })), []);
  const squatter = member({ modelId: "team-a/llama", aliases: ["team-b/llama", "llama"] });
  assert.deepEqual(refusedIds(squatter), ["team-b/llama", "llama"]);
  const problem = classProblem(squatter, own);
  assert.equal(problem?.reason, "ClassForbidden");
  assert.match(problem.message, /team-a claim the id "team-b\/llama", but \{namespace\}\/\*/);
  // What is no wildcard stands for itself.
  assert.deepEqual(refusedIds(member({ modelId: "shared.x" })), []);
  assert.deepEqual(refusedIds(member({ modelId: "shared-x" })), ["shared-x"]);
});

test("without its class a LocalModel keeps the ids that it had, and others only until somebody may have them", () => {
  const before = { ...member({ modelId: "mine", aliases: ["theirs"] }), allowedIds: ["mine"] };
  const missing = { kind: "missing", name: "gpu", why: "make it" } as const;
  const foreign = found({ allowedNamespaces: ["elsewhere"] });
  for (const none of [missing, foreign]) {
    assert.deepEqual(idRights(before, none), { refused: [], yields: ["theirs"] });
  }
  assert.deepEqual(idRights(before, { kind: "none" }), { refused: [], yields: [] });
  assert.deepEqual(idRights(before, found({})), { refused: [], yields: [] });
});

test("hosts of images are those that the class allows", () => {
  const spec = modelWith({ imageUrls: { allowedHosts: ["images.example.com"] } }).spec;
  const asking = { ...member({ modelId: "a" }), spec };
  assert.equal(classProblem(asking, found({ imageHosts: ["*.example.com"] })), undefined);
  assert.equal(classProblem(asking, found({})), undefined);
  const problem = classProblem(asking, found({ imageHosts: [] }));
  assert.match(
    problem?.message ?? "",
    /does not allow spec\.imageUrls to name images\.example\.com/,
  );
});

test("a quota is for a namespace, and older LocalModels come first", () => {
  const limited = found({ quota: { replicas: 3, devices: 2 } });
  const cap = (before: object, own: object) =>
    cappedBy(limited, () => ({
      before: { ...NOTHING, ...before },
      own: { ...NOTHING, ...own },
    }));
  assert.equal(cap({ replicas: 2 }, { replicas: 1 }), undefined);
  assert.equal(cap({ replicas: 3 }, { replicas: 1 })?.replicas, 0);
  assert.equal(cap({ replicas: 9 }, { replicas: 0 }), undefined);
  const devices = cap({ replicas: 1, devices: 1 }, { replicas: 1, devices: 2 });
  assert.equal(devices?.replicas, 0);
  assert.match(
    devices.problem.message,
    /gives 2 devices to a namespace: older LocalModels ask for 1 of them/,
  );
});

test("devices of a claim are refused where devices are counted, and nowhere else", () => {
  const { spec } = modelWith({ gpu: { resourceClaimTemplateName: "eight-gpus" } });
  const claiming = { ...member({ modelId: "a" }), spec };
  const problem = classProblem(claiming, found({ quota: { devices: 2 } }));
  assert.equal(problem?.reason, "ClassForbidden");
  assert.match(
    problem.message,
    /gives 2 devices .* ResourceClaimTemplate "eight-gpus".*gpu\.count/,
  );
  assert.equal(classProblem(claiming, found({ quota: { replicas: 2 } })), undefined);
  const counted = { ...member({ modelId: "a" }), spec: modelWith({ gpu: { count: 1 } }).spec };
  assert.equal(classProblem(counted, found({ quota: { devices: 2 } })), undefined);
});

test("of more replicas than a quota leaves, a model has those that it leaves", () => {
  const limited = found({ quota: { replicas: 3, devices: 4 } });
  const cap = (own: { replicas: number; devices: number }) =>
    cappedBy(limited, () => ({
      before: { ...NOTHING, replicas: 1, devices: 1 },
      own: { ...NOTHING, ...own },
    }));
  assert.equal(cap({ replicas: 5, devices: 0 })?.replicas, 2);
  assert.match(cap({ replicas: 5, devices: 0 })?.problem.message ?? "", /it has 2 of 5 replicas/);
  assert.equal(cap({ replicas: 2, devices: 4 })?.replicas, 1);
  assert.equal(cap({ replicas: 1, devices: 3 }), undefined);
});

const GIBIBYTE = 2 ** 30;

test("a quota of devices' memory leaves as many replicas as fit into it", () => {
  const limited = found({ quota: { deviceMemory: "160Gi" } });
  const cap = (replicas: number, eachGi: number) =>
    cappedBy(limited, () => ({
      before: { replicas: 1, devices: 1, deviceMemory: 40 * GIBIBYTE },
      own: { replicas, devices: replicas, deviceMemory: replicas * eachGi * GIBIBYTE },
    }));
  assert.equal(cap(3, 40), undefined);
  const capped = cap(2, 80);
  assert.equal(capped?.replicas, 1);
  assert.match(
    capped.problem.message,
    /gives 163840Mi of devices' memory to a namespace: older LocalModels ask for 40960Mi of it/,
  );
});

const asking = (gpu: object) => ({ ...member({ modelId: "a" }), spec: modelWith({ gpu }).spec });

test("where devices' memory is counted, a LocalModel says how much it needs", () => {
  const limited = found({ quota: { deviceMemory: "160Gi" } });
  const problem = classProblem(asking({}), limited);
  assert.equal(problem?.reason, "ClassForbidden");
  assert.match(problem.message, /say in spec\.gpu\.memory how much of it each device needs/);
  assert.equal(classProblem(asking({ memory: "40Gi" }), limited), undefined);
  assert.equal(classProblem(asking({ count: 0 }), limited), undefined);
  assert.equal(classProblem(asking({}), found({ quota: { devices: 2 } })), undefined);
  const claims = classProblem(asking({ resourceClaimTemplateName: "eight-gpus" }), limited);
  assert.match(claims?.message ?? "", /gives 160Gi of devices .* "eight-gpus"/);
});
