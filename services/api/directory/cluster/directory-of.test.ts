import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UNSEEN_GENERATION } from "@localmodel/localmodel/resource/status-spec.ts";
import * as fc from "fast-check";
import type { EndpointSlice } from "@localmodel/kube/objects/core-resources.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import { endpointSlice, localModel, notReady, type Pod } from "../../fixtures/cluster-objects.ts";
import { directoryOf } from "./directory-of.ts";
import { observedModel } from "./observed-model.ts";

function directory(models: readonly KubeObject[], slices: readonly EndpointSlice[] = []) {
  return directoryOf(models.map(observedModel), slices).models;
}

function only(model: KubeObject, slices: readonly EndpointSlice[] = []): DirectoryModel {
  const [found, ...others] = directory([model], slices);
  assert.ok(found !== undefined && others.length === 0);
  return found;
}

const endpointsWith = (...slices: readonly EndpointSlice[]) =>
  only(localModel("a"), slices).endpoints;

function leaving(pod: Pod): EndpointSlice {
  return endpointSlice("a", [{ ...pod, terminating: true }]);
}

/** As Go writes empty lists. */
const NULL_LISTS = JSON.parse(
  JSON.stringify({ ...endpointSlice("a", []), endpoints: null, ports: null }),
) as EndpointSlice;

function explained(status: unknown) {
  const { state, message } = only(localModel("a", { status }));
  return [state, message];
}

const facts = (status: object) => only(localModel("a", { status })).facts;

const stay = (fields: Parameters<typeof localModel>[1]) => only(localModel("a", fields)).stay;

describe("how long a model stays in memory", () => {
  const minReplicas = 0;

  test("one that keeps a replica, or does not scale, always", () => {
    assert.equal(stay({}), "always");
    assert.equal(stay({ scaling: { minReplicas: 1 } }), "always");
  });

  test("one that sleeps as long as its LocalModel says, from the use that the operator knows", () => {
    const lastUsed = "2026-01-01T00:00:00Z";
    const status = {
      scaling: { desired: 1, reason: "Minimum", message: "", since: lastUsed, lastUsed },
    };
    const window = { from: "08:00", to: "18:00" };
    assert.deepEqual(stay({ scaling: { minReplicas } }), { idleSeconds: 3600, schedule: [] });
    assert.deepEqual(
      stay({ scaling: { minReplicas, idleSeconds: 60, schedule: [window] }, status }),
      {
        idleSeconds: 60,
        usedAtMs: Date.parse(lastUsed),
        schedule: [{ ...window, timeZone: "UTC", minReplicas: 1 }],
      },
    );
  });

  test("a schedule of a newer version is left out, and the model sleeps as before", () => {
    const schedule = [{ lunar: "full" }];
    assert.deepEqual(stay({ scaling: { minReplicas, schedule } }), {
      idleSeconds: 3600,
      schedule: [],
    });
  });
});

describe("endpoints", () => {
  const one: Pod = { address: "10.0.0.1", uid: "1" };
  const two: Pod = { address: "10.0.0.2", uid: "2" };

  test("every ready pod is one, on the port that is named http", () => {
    const ports = [
      { name: "metrics", port: 9000 },
      { name: "http", port: 8081 },
    ];
    const endpoints = endpointsWith(endpointSlice("a", [one, two], { ports }));
    assert.deepEqual(endpoints, ["http://10.0.0.1:8081", "http://10.0.0.2:8081"]);
  });

  const left: readonly (readonly [string, EndpointSlice])[] = [
    ["a pod that is not ready", endpointSlice("a", [{ ...one, ready: false }])],
    ["a terminating pod, even one that is called ready", leaving(one)],
    ["a slice without the port", endpointSlice("a", [one], { ports: [] })],
    ["a slice whose lists are null", NULL_LISTS],
    [
      "a model of the same name in another namespace",
      endpointSlice("a", [one], { namespace: "other" }),
    ],
    ["another Service with the same label", endpointSlice("a", [one], { service: "extra" })],
    ["another model", endpointSlice("b", [one])],
  ];
  for (const [what, slice] of left) {
    test(`${what} gives none`, () => assert.deepEqual(endpointsWith(slice), []));
  }

  test("a pod whose conditions are unknown counts as ready, as Kubernetes defines it", () => {
    const slice = endpointSlice("a", [one]);
    const endpoints = slice.endpoints?.map(({ addresses }) => ({ addresses }));
    assert.deepEqual(endpointsWith({ ...slice, endpoints: endpoints ?? [] }), [
      "http://10.0.0.1:8080",
    ]);
  });

  test("several slices add up, and a pod that is in two counts once", () => {
    const slices = [endpointSlice("a", [one, two]), endpointSlice("a", [two], { suffix: "b" })];
    assert.deepEqual(endpointsWith(...slices), ["http://10.0.0.1:8080", "http://10.0.0.2:8080"]);
  });

  for (const [target, endpoints, busy] of [
    [undefined, ["http://10.0.0.1:8080", "http://10.0.0.2:8080"], ["http://10.0.0.2:8080"]],
    [4, ["http://10.0.0.1:8080", "http://10.0.0.2:8080"], ["http://10.0.0.2:8080"]],
    [5, ["http://10.0.0.1:8080"], undefined],
  ] as const) {
    const those = busy === undefined ? "gets nothing more" : "gets what others have no slot for";
    test(`a pod that is to become idle ${those} where ${target ?? "nobody says how many"} requests are meant for 4 slots`, () => {
      const scaling = target === undefined ? {} : { targetRequestsPerReplica: target };
      const spec = { engine: { slots: 4 }, scaling };
      const since = "2026-01-01T00:00:00Z";
      const said = { desired: 2, reason: "Busy", message: "", since, leaving: ["a-2"] };
      const status = { scaling: said };
      const slice = endpointSlice("a", [
        { ...one, name: "a-1" },
        { ...two, name: "a-2" },
      ]);
      const model = only(localModel("a", { ...spec, status }), [slice]);
      assert.deepEqual([model.endpoints, model.leaving], [endpoints, busy]);
      // Nobody else is there.
      const alone = endpointSlice("a", [{ ...two, name: "a-2" }]);
      const last = only(localModel("a", { ...spec, status }), [alone]);
      assert.deepEqual(last.endpoints, ["http://10.0.0.2:8080"]);
    });
  }

  test("a pod that is leaving in one slice and ready in another is leaving", () => {
    const old = endpointSlice("a", [one, two], { suffix: "b" });
    assert.deepEqual(endpointsWith(leaving(one), old), ["http://10.0.0.2:8080"]);
  });

  test("an address that a pod took over from one that is leaving is routable", () => {
    const slice = endpointSlice("a", [
      { ...one, terminating: true },
      { ...one, uid: "3" },
    ]);
    assert.deepEqual(endpointsWith(slice), ["http://10.0.0.1:8080"]);
  });

  test("an IPv6 address is in brackets", () => {
    const slice = endpointSlice("a", [{ address: "fd00::1" }], { addressType: "IPv6" });
    assert.deepEqual(endpointsWith(slice), ["http://[fd00::1]:8080"]);
  });

  test("a pod with addresses of both families is one endpoint, by IPv4", () => {
    const six = endpointSlice("a", [{ address: "fd00::1", uid: "1" }], {
      addressType: "IPv6",
      suffix: "0",
    });
    assert.deepEqual(endpointsWith(six, endpointSlice("a", [one])), ["http://10.0.0.1:8080"]);
  });

  test("whatever the slices say, a leaving pod is never an endpoint, and none is there twice", () => {
    const pod = fc.record({
      address: fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3"),
      ready: fc.boolean(),
      terminating: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.array(pod, { maxLength: 4 }), { maxLength: 4 }), (lists) => {
        const slices = lists.map((pods, index) =>
          endpointSlice("a", pods, { suffix: String(index) }),
        );
        const expected = new Set<string>();
        for (const { address, ready } of lists.flat()) if (ready) expected.add(address);
        for (const { address, terminating } of lists.flat())
          if (terminating) expected.delete(address);
        const urls = [...expected].map((address) => `http://${address}:8080`);
        assert.deepEqual(endpointsWith(...slices).toSorted(), urls.toSorted());
        assert.deepEqual(endpointsWith(...slices.toReversed()), endpointsWith(...slices));
      }),
    );
  });
});

describe("ids", () => {
  test("a model has its name as id when it says no other", () => {
    const { id, aliases, createdSeconds } = only(localModel("a"));
    assert.deepEqual([id, aliases, createdSeconds], ["a", [], 1_767_225_600]);
  });

  test("an id that two claim leads to the older one, and the younger keeps its others", () => {
    const models = [
      localModel("a", { modelId: "x", aliases: ["y"], createdAt: "2026-02-01T00:00:00Z" }),
      localModel("b", { modelId: "x", createdAt: "2026-01-01T00:00:00Z" }),
    ];
    const slices = [
      endpointSlice("a", [{ address: "10.0.0.1" }]),
      endpointSlice("b", [{ address: "10.0.0.2" }]),
    ];
    const found = directory(models, slices).map(({ id, endpoints }) => [id, endpoints]);
    assert.deepEqual(found, [
      ["y", ["http://10.0.0.1:8080"]],
      ["x", ["http://10.0.0.2:8080"]],
    ]);
  });

  test("a model without any id of its own is not listed, until the older one is gone", () => {
    const younger = localModel("a", { modelId: "x", createdAt: "2026-02-01T00:00:00Z" });
    const older = localModel("b", { modelId: "x" });
    assert.equal(directory([younger, older]).length, 1);
    assert.deepEqual(
      directory([younger]).map(({ id }) => id),
      ["x"],
    );
  });

  test("of equally old ones the first by namespace and name has the id, in whatever order they come", () => {
    const status = notReady("Loading", "This is a.");
    const models = [localModel("b", { modelId: "x" }), localModel("a", { modelId: "x", status })];
    for (const order of [models, models.toReversed()]) {
      assert.deepEqual(
        directory(order).map(({ message }) => message),
        ["This is a."],
      );
    }
  });
});

function claiming(
  status: object | undefined,
  ids: object = { modelId: "team-a/llama" },
): KubeObject {
  return localModel("older", { ...ids, ...(status && { status }) });
}

describe("ids that a spec claims before its operator has looked at it", () => {
  const owner = localModel("owner", {
    modelId: "team-a/llama",
    createdAt: "2026-02-01T00:00:00Z",
    status: { observedGeneration: 1, allowedIds: ["team-a/llama"] },
  });
  const pods = [
    endpointSlice("owner", [{ address: "10.0.0.1" }]),
    endpointSlice("older", [{ address: "10.0.0.2" }]),
  ];
  const servedBy = (model: KubeObject) =>
    directory([owner, model], pods).find(({ id }) => id === "team-a/llama")?.server;

  test("they stay with whoever may have them, although he is younger", () => {
    assert.equal(
      servedBy(claiming({ observedGeneration: 7, allowedIds: ["mine"] })),
      "models/owner",
    );
    assert.equal(servedBy(claiming(undefined)), "models/owner");
    const unseen = { observedGeneration: UNSEEN_GENERATION };
    assert.equal(servedBy(claiming(unseen)), "models/owner", "a status that nobody has written");
    const asAlias = { modelId: "mine", aliases: ["team-a/llama"] };
    const status = { observedGeneration: 7, allowedIds: ["mine"] };
    assert.equal(servedBy(claiming(status, asAlias)), "models/owner");
  });

  test("they go to the older one once it is known that it may have them", () => {
    const allowed = { observedGeneration: 8, allowedIds: ["team-a/llama"] };
    assert.equal(servedBy(claiming(allowed)), "models/older");
    assert.equal(
      servedBy(claiming({ observedGeneration: 8 })),
      "models/older",
      "an older operator",
    );
  });

  test("they are its own where nobody else claims them", () => {
    const status = { observedGeneration: 7, allowedIds: ["before"] };
    const found = directory([claiming(status)], pods);
    assert.deepEqual(
      found.map(({ id }) => id),
      ["team-a/llama"],
    );
  });
});

describe("what is said of a model without endpoints", () => {
  test("one without a status has not been looked at", () => {
    assert.deepEqual(explained(undefined), ["pending", "The operator has not looked at it yet."]);
  });

  const reasons: readonly (readonly [string, string])[] = [
    ["Downloading", "downloading"],
    ["Loading", "loading"],
    ["CrashLoop", "restarting"],
    ["ChecksumMismatch", "failed"],
    ["Suspended", "failed"],
    ["Unschedulable", "pending"],
    ["SomethingNew", "pending"],
    ["ConfigError", "failed"],
    ["SecretMissing", "failed"],
  ];
  for (const [reason, state] of reasons) {
    test(`the reason ${reason} is told as ${state}, in the operator's words`, () => {
      assert.deepEqual(explained(notReady(reason, "45 % of 98 MB.")), [state, "45 % of 98 MB."]);
    });
  }

  test("a reason without a message is better than nothing", () => {
    assert.deepEqual(explained(notReady("Loading", "")), ["loading", "Loading."]);
  });

  test("one that is ready by its status only has just lost its pods", () => {
    const [condition] = (notReady("Serving") as { conditions: object[] }).conditions;
    const conditions = [{ ...condition, status: "True" }];
    assert.deepEqual(explained({ conditions })[0], "restarting");
  });

  for (const status of [null, "words", { conditions: "none" }, { conditions: [{}] }]) {
    test(`a status of ${JSON.stringify(status)} is no status`, () => {
      assert.equal(explained(status)[0], "pending");
    });
  }
});

test("a model with an endpoint is ready, whatever its status says", () => {
  const model = localModel("a", { status: notReady("ChecksumMismatch") });
  const { state, message } = only(model, [endpointSlice("a", [{ address: "10.0.0.1" }])]);
  assert.deepEqual([state, message], ["ready", "Served by 1 pod."]);
});

test("the endpoints of pods that are to become idle are known by what the status calls them", () => {
  const since = "2026-01-01T00:00:00Z";
  const scaling = { desired: 2, reason: "Busy", message: "", since, leaving: ["p2", "gone"] };
  const pods = [
    { address: "10.0.0.1", uid: "1", name: "p1" },
    { address: "10.0.0.2", uid: "2", name: "p2" },
  ];
  const model = localModel("a", { status: { scaling } });
  assert.deepEqual(only(model, [endpointSlice("a", pods)]).leaving, ["http://10.0.0.2:8080"]);
  assert.equal(only(localModel("a"), [endpointSlice("a", pods)]).leaving, undefined);
});

test("adapters that clients choose are listed beside their model, and served by its pods", () => {
  const adapters = [{ id: "tone" }, {}, { id: "style" }];
  const model = localModel("a", { modelId: "llama", aliases: ["chat"], adapters });
  const older = localModel("b", { modelId: "style", createdAt: "2025-01-01T00:00:00Z" });
  const [own, tone, ...others] = directory(
    [model, older],
    [endpointSlice("a", [{ address: "10.0.0.1" }])],
  );
  assert.deepEqual([own?.id, own?.aliases, own?.parent], ["llama", ["chat"], undefined]);
  assert.deepEqual([tone?.id, tone?.aliases, tone?.parent], ["tone", [], "llama"]);
  assert.deepEqual(tone?.endpoints, own?.endpoints);
  assert.deepEqual(
    others.map(({ id, endpoints }) => [id, endpoints]),
    [["style", []]],
    "an older model is called like the other adapter",
  );
});

test("what the status says of the weights is passed on, the pods' word before the file's", () => {
  const inspection = {
    sourceHash: "1",
    architecture: "llama",
    parameters: 134_515_008,
    quantization: "unknown",
    sizeBytes: 98,
    furtherBytes: 0,
    trainContextTokens: 8192,
    vocabularyTokens: 49_152,
    embeddingDimensions: 576,
    layers: 30,
  };
  const model = { quantization: "Q4_1", contextLength: 4096, capabilities: ["chat"], later: 1 };
  const expected = {
    architecture: "llama",
    parameters: 134_515_008,
    quantization: "Q4_1",
    sizeBytes: 98,
    trainContextTokens: 8192,
    vocabularyTokens: 49_152,
    embeddingDimensions: 576,
  };
  const loaded = { ...expected, contextTokens: 4096, capabilities: ["chat"] };
  assert.deepEqual(facts({ inspection, model }), loaded);
  assert.deepEqual(facts({ inspection }), { ...expected, quantization: "unknown" });
  const seeing = { ...inspection, capabilities: ["chat", "vision"] };
  assert.deepEqual(facts({ inspection: seeing })?.capabilities, ["chat", "vision"]);
  assert.deepEqual(facts({ inspection: seeing, model }), loaded);
  assert.equal(facts({}), undefined);
});

test("a LocalModel with fields of a later version is read like any other", () => {
  const model = localModel("a", { modelId: "x" });
  const later = { ...model, spec: { modelId: "x", shape: { round: true } }, extra: [] };
  assert.equal(only(later).id, "x");
});

for (const spec of [undefined, { modelId: "../x" }, { aliases: "x" }]) {
  test(`a spec of ${JSON.stringify(spec)} cannot be read`, () => {
    assert.throws(() => observedModel({ ...localModel("a"), spec }));
  });
}
