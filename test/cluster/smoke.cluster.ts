/**
 * The cluster itself: when a scenario fails and this does not, the cluster is not to blame.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { WEIGHTS_FILE } from "./harness/model-files.ts";
import { Scene } from "./harness/scene.ts";

type Nodes = {
  readonly items: readonly {
    readonly status: { readonly conditions: readonly { type: string; status: string }[] };
  }[];
};

suite("the cluster", () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.open("smoke");
  });

  after(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test("has nodes that are all ready", async () => {
    const { items } = JSON.parse(await scene.kubectl("get", "nodes", "--output=json")) as Nodes;
    assert.ok(items.length > 0);
    for (const { status } of items)
      assert.equal(status.conditions.find(({ type }) => type === "Ready")?.status, "True");
  });

  test("runs the model server's image as any user, restricted and read-only", async () => {
    await scene.apply(pod({ args: ["--version"], runAsUser: 54_321 }));
    await eventually("the pod to end well", async () => {
      const phase = await scene.kubectl("get", "pod", "version", "--output=jsonpath={.status}");
      assert.match(phase, /"phase":"Succeeded"/);
    });
    assert.match(await scene.kubectl("logs", "version"), /^v24\./);
  });

  test("mounts weights from an image, and lets pods call each other by name", async () => {
    const listing = await scene.kubectl("exec", "files", "--", "ls", "/files");
    assert.match(listing, new RegExp(WEIGHTS_FILE));
    const size = await scene.inCluster<number>(
      `const answer = await fetch(${JSON.stringify(scene.url())}, { method: "HEAD" });
      console.log(answer.headers.get("content-length"));`,
    );
    assert.equal(size, 98_362_432);
  });

  function pod(options: { readonly args: readonly string[]; readonly runAsUser: number }): object {
    const { args, runAsUser } = options;
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "version", namespace: scene.namespace },
      spec: {
        restartPolicy: "Never",
        securityContext: {
          runAsNonRoot: true,
          runAsUser,
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [
          {
            name: "version",
            image: scene.cluster.images["model-server"],
            args,
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ["ALL"] },
            },
          },
        ],
      },
    };
  }
});
