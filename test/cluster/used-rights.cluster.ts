/**
 * Least privilege, by what really happens: every right that the chart grants is used, or has a reason to be there.
 *
 * Runs last: what the scenarios before it have done counts, and what it needs of that it does itself.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { run } from "../build/command.ts";
import { type Kubectl, kubectlOf } from "./harness/kubectl.ts";
import { type Granted, grantedTo, type List, usedRights } from "./harness/rights.ts";
import { Scene, SYSTEM_NAMESPACE } from "./harness/scene.ts";

const AUDIT_LOG = "/var/lib/node/log/audit.json";

const WITHOUT_CACHE = JSON.stringify([{ op: "remove", path: "/spec/cache" }]);

/** Rights that no scenario needs to use, and why they are granted nevertheless. docs/security.md says the same. */
const RESERVED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "localmodel-operator": {
    "update localmodels/finalizers.localmodel.dev":
      "clusters with OwnerReferencesPermissionEnforcement ask for it of whoever names an owner",
    "patch events.events.k8s.io": "an event that happens again within minutes is counted",
    "get nodes": "a roll that finds no room asks what the node of an old pod has without it",
    "list nodes": "a model with devices of NVIDIA's gets the image that its nodes can run",
    "get leases.coordination.k8s.io":
      "a LocalModel that another installation looks after is left to it while that one is there",
    "list events": "it waits longer while an autoscaler says that it brings a node",
  },
  "localmodel-api": {},
};

suite("the rights that the chart grants", () => {
  let scene: Scene;
  let system: Kubectl;

  before(async () => {
    scene = await Scene.open("rights");
    system = kubectlOf(scene.cluster, SYSTEM_NAMESPACE);
    await scene.model("used");
    await scene.untilReady("used");
    const cache = { claimTemplate: { size: "1Gi", storageClassName: "none" } };
    await scene.model("cached", { cache, replicas: 2 });
    await eventually("its claim and its budget to be there", () =>
      scene.kubectl("get", "pvc/localmodel-cached", "pdb/localmodel-cached"),
    );
    await scene.kubectl("patch", "localmodel/cached", "--type=json", "--patch", WITHOUT_CACHE);
    await eventually("its claim to be gone", async () => {
      assert.equal(await scene.kubectl("get", "pvc", "--output=name"), "");
    });
  });

  after(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  for (const [account, reserved] of Object.entries(RESERVED)) {
    test(`${account} is granted what it uses, and no more`, async () => {
      const granted = await grantsOf(account);
      assert.ok(granted.size > 0, "no right at all was found");
      await eventually("every right to be in use", async () => {
        const used = (await auditedRights()).get(account) ?? new Set();
        const idle = [...granted].filter((right) => !used.has(right) && !(right in reserved));
        assert.deepEqual(idle, []);
        const unknown = Object.keys(reserved).filter((right) => !granted.has(right));
        assert.deepEqual(unknown, [], "reserved, and not granted");
      });
    });
  }

  async function grantsOf(account: string): Promise<ReadonlySet<string>> {
    const scopes = [
      await readGrants(system, "clusterroles", "clusterrolebindings"),
      await readGrants(system, "roles", "rolebindings"),
    ];
    return new Set(scopes.flatMap((scope) => [...grantedTo(account, scope)]));
  }

  async function auditedRights() {
    const [server = ""] = scene.cluster.containers;
    return usedRights(await run("docker", ["exec", server, "cat", AUDIT_LOG]));
  }
});

async function readGrants(kubectl: Kubectl, roles: string, bindings: string): Promise<Granted> {
  return { roles: await listed(kubectl, roles), bindings: await listed(kubectl, bindings) };
}

async function listed<T>(kubectl: Kubectl, kind: string): Promise<List<T>> {
  return JSON.parse(await kubectl("get", kind, "--output=json")) as List<T>;
}
