/** What a class may patch in the pods that serve, what it may not, and that pods follow. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { LocalModelClassSpec } from "@localmodel/localmodel/resource/class-spec.ts";
import { inspection, modelWith, platform } from "../fixtures/models.ts";
import { withClass } from "../model/model-class.ts";
import { REVISION_ANNOTATION } from "./metadata.ts";
import { patchProblem } from "./pod-patch-rules.ts";
import { platformRevision } from "./platform-revision.ts";
import { podTemplate } from "./pod-template.ts";

type Fields = Readonly<Record<string, unknown>>;

function under(patch: Fields | undefined, model = modelWith({ gpu: {} })) {
  const found = LocalModelClassSpec.parse(patch ? { podTemplatePatch: { spec: patch } } : {});
  const merged = withClass(model, platform, found);
  const template = podTemplate(merged.model, merged.platform, inspection);
  return { ...template, upgrade: platformRevision(merged.model, merged.platform) };
}

const server = (more: Fields) => ({ containers: [{ name: "server", ...more }] });

suite("a patch of the pods that serve", () => {
  test("is merged by names, and leaves what the operator made", () => {
    const before = under(undefined).spec;
    const { spec } = under({
      shareProcessNamespace: true,
      topologySpreadConstraints: null,
      securityContext: { seccompProfile: { localhostProfile: "gpu.json", type: "Localhost" } },
      volumes: [{ name: "certificates", emptyDir: {} }],
      initContainers: [{ name: "proxy", image: "proxy:1", restartPolicy: "Always" }],
      containers: [
        {
          name: "server",
          env: [{ name: "NCCL_DEBUG", value: "WARN" }],
          volumeMounts: [{ name: "certificates", mountPath: "/certificates" }],
          securityContext: { seLinuxOptions: { type: "container_device_t" } },
        },
        { name: "exporter", image: "exporter:1", volumeMounts: [{ name: "tmp", mountPath: "/t" }] },
      ],
    });
    const [own, added] = spec.containers;
    const [ownBefore] = before.containers;
    assert.ok(own && ownBefore);
    const { env, volumeMounts, securityContext } = own;
    assert.deepEqual(env, [...ownBefore.env, { name: "NCCL_DEBUG", value: "WARN" }]);
    assert.deepEqual(volumeMounts, [
      ...ownBefore.volumeMounts,
      { name: "certificates", mountPath: "/certificates" },
    ]);
    const seLinuxOptions = { type: "container_device_t" };
    assert.deepEqual(securityContext, { ...ownBefore.securityContext, seLinuxOptions });
    const changed = new Set(["env", "volumeMounts", "securityContext"]);
    const rest = (one: object) => Object.entries(one).filter(([field]) => !changed.has(field));
    assert.deepEqual(rest(own), rest(ownBefore));
    assert.equal(added?.name, "exporter");
    assert.deepEqual(
      spec.initContainers.map(({ name }) => name),
      ["fetch", "proxy"],
    );
    assert.deepEqual(spec.volumes.slice(0, -1), before.volumes);
    assert.equal(spec.volumes.at(-1)?.name, "certificates");
    assert.ok(!Object.keys(spec).includes("topologySpreadConstraints"));
    assert.equal((spec as { shareProcessNamespace?: boolean }).shareProcessNamespace, true);
    assert.deepEqual(spec.securityContext, {
      ...before.securityContext,
      seccompProfile: { type: "Localhost", localhostProfile: "gpu.json" },
    });
  });

  test("is part of what pods are made from, and comes to them as an upgrade does", () => {
    const [none, some, other] = [undefined, { hostname: "a" }, { hostname: "b" }].map((patch) =>
      under(patch),
    );
    const revisions = [none, some, other].map((one) => [
      one?.metadata.annotations[REVISION_ANNOTATION],
      one?.upgrade,
    ]);
    assert.equal(new Set(revisions.map(([revision]) => revision)).size, 3);
    assert.equal(new Set(revisions.map(([, upgrade]) => upgrade)).size, 3);
  });

  const refused: readonly (readonly [string, Fields])[] = [
    ["spec.hostNetwork", { hostNetwork: true }],
    ["spec.nodeSelector", { nodeSelector: { pool: "gpu" } }],
    ["spec.terminationGracePeriodSeconds", { terminationGracePeriodSeconds: 1 }],
    ["spec.automountServiceAccountToken", { automountServiceAccountToken: null }],
    ["spec.affinity.nodeAffinity", { affinity: { nodeAffinity: {} } }],
    ["spec.affinity", { affinity: null }],
    ["spec.securityContext.runAsUser", { securityContext: { runAsUser: 0 } }],
    ["spec.securityContext", { securityContext: null }],
    ["spec.containers", { containers: null }],
    ["spec.containers.0", { containers: [{ image: "a" }] }],
    ["spec.containers.server.image", server({ image: "other" })],
    ["spec.containers.server.resources", server({ resources: { limits: {} } })],
    ["spec.containers.server.livenessProbe", server({ livenessProbe: null })],
    ["spec.containers.server.args", server({ args: [] })],
    [
      "spec.containers.server.securityContext.privileged",
      server({ securityContext: { privileged: true } }),
    ],
    [
      "spec.containers.server.env.MODEL_SERVER_CONFIG",
      server({ env: [{ name: "MODEL_SERVER_CONFIG", value: "{}" }] }),
    ],
    [
      "spec.containers.server.volumeMounts./var/lib/localmodel/model/x",
      server({ volumeMounts: [{ name: "a", mountPath: "/var/lib/localmodel/model/x" }] }),
    ],
    [
      "spec.containers.server.volumeMounts./var/lib/",
      server({ volumeMounts: [{ name: "a", mountPath: "/var/lib/" }] }),
    ],
    ["spec.containers.fetch", { containers: [{ name: "fetch" }] }],
    ["spec.initContainers.server", { initContainers: [{ name: "server" }] }],
    ["spec.initContainers.inspect", { initContainers: [{ name: "inspect" }] }],
    [
      "spec.containers.thief.volumeMounts./s",
      {
        containers: [
          { name: "thief", volumeMounts: [{ name: "secret-weights-0", mountPath: "/s" }] },
        ],
      },
    ],
    ["spec.volumes.model", { volumes: [{ name: "model", hostPath: { path: "/" } }] }],
    ["spec.volumes.claim-0", { volumes: [{ name: "claim-0" }] }],
    ["spec.containers.0.$patch", { containers: [{ name: "server", $patch: "delete" }] }],
  ];
  for (const [path, patch] of refused) {
    test(`may not say ${path}`, () => {
      const problem = patchProblem(patch) ?? "";
      assert.ok(problem.startsWith(`podTemplatePatch.${path} `), problem);
      assert.ok(LocalModelClassSpec.safeParse({ podTemplatePatch: { spec: patch } }).success);
    });
  }

  test("has an end", () => {
    assert.match(patchProblem({ hostname: "a".repeat(70_000) }) ?? "", /spec is longer than/);
  });
});
