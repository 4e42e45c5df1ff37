/**
 * Models that scale by demand: woken by requests that wait, asleep when nobody asks, and as many pods as requests need,
 * whoever of those that decide it is killed or replaced meanwhile.
 *
 * Nothing is tried again by the clients here: a request that is lost is a failure, whatever ends around it. And a pod more
 * than was needed is one as well, so all that were ever made are counted.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { heldModule, type LoadResult, loadModule } from "./harness/client-modules.ts";
import { run } from "../build/command.ts";
import { eventually, type Patience } from "../support/eventually.ts";
import { type Kubectl, kubectlOf } from "./harness/kubectl.ts";
import { TINY_FILE } from "./harness/model-files.ts";
import { Scene, SYSTEM_NAMESPACE } from "./harness/scene.ts";

const HELD_STREAMS = 50;
const TIMES = 10;
const LANES_OF_THREE_PODS = 24;
const OPERATOR = "app.kubernetes.io/component=operator";
const API = "deployment/localmodel-api";
/** A bound for a wait in vain. */
const PATIENCE: Patience = { timeoutMs: 180_000 };

type Disturbance = {
  readonly what: string;
  readonly model: string;
  readonly by: "killOperator" | "rollApi" | "restartApiServer";
};

const DISTURBANCES: readonly Disturbance[] = [
  { what: "the operator is killed", model: "unattended", by: "killOperator" },
  { what: "the API service is rolled", model: "rolled-over", by: "rollApi" },
  { what: "the API server restarts", model: "cut-off", by: "restartApiServer" },
];

suite("a model that scales by demand", () => {
  let scene: Scene;
  let system: Kubectl;

  before(async () => {
    scene = await Scene.open("scaling");
    system = kubectlOf(scene.cluster, SYSTEM_NAMESPACE);
    const source = { http: { url: scene.url("files", TINY_FILE) } };
    await scene.model("often", { source, scaling: { idleSeconds: 1 } });
    for (const { model } of DISTURBANCES) {
      await scene.model(model, { source, scaling: { idleSeconds: 3 } });
    }
    await scene.model("wide", {
      source,
      scaling: { minReplicas: 1, maxReplicas: 3, targetRequestsPerReplica: 2, scaleDownSeconds: 5 },
    });
  });

  after(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  const untilPods = (model: string, count: number) =>
    eventually(
      `${model} to have ${count} pods`,
      async () => assert.equal((await scene.pods(model)).length, count),
      PATIENCE,
    );

  const untilAsleep = async (model: string): Promise<void> => {
    await eventually(
      `${model} to be asleep`,
      async () => {
        const ready = await scene.condition(model);
        assert.equal(`${ready.status} ${ready.reason}`, "True Asleep");
      },
      PATIENCE,
    );
    await untilPods(model, 0);
  };

  /** Names of all pods that were ever made to serve it. */
  const podsEverMade = async (model: string): Promise<ReadonlySet<string>> => {
    const made = "--field-selector=involvedObject.kind=ReplicaSet,reason=SuccessfulCreate";
    const messages = await scene.kubectl(
      "get",
      "events",
      made,
      "--output=jsonpath={.items[*].message}",
    );
    const names = messages.matchAll(new RegExp(`Created pod: (localmodel-${model}-\\S+)`, "g"));
    return new Set(Array.from(names, ([, name = ""]) => name));
  };

  test("sleeps from the start, wakes for a request and sleeps again, ten times, with one pod each time", async () => {
    const made = new Set<string>();
    const note = async (): Promise<void> => {
      for (const name of await podsEverMade("often")) made.add(name);
    };
    for (let times = 0; times < TIMES; times += 1) {
      await untilAsleep("often");
      const active = await scene.condition("often", "Active");
      assert.equal(`${active.status} ${active.reason}`, "False Asleep");
      const held = await scene.startInCluster(heldModule("often", 1));
      assert.deepEqual(await held.finish<LoadResult>(), { streams: 1, failures: [] });
      await note();
    }
    await untilAsleep("often");
    await eventually("each wake to have made one pod", async () => {
      await note();
      assert.equal(made.size, TIMES, [...made].join());
    });
  });

  const disturb: Readonly<Record<Disturbance["by"], () => Promise<void>>> = {
    killOperator: async () => {
      await system("delete", "pod", `--selector=${OPERATOR}`, "--force", "--grace-period=0");
    },
    rollApi: async () => {
      await system("rollout", "restart", API);
    },
    restartApiServer: async () => {
      const [server = ""] = scene.cluster.containers;
      await run("docker", ["exec", server, "pkill", "-KILL", "kube-apiserver"]);
      await eventually("the API server to be back", () => scene.kubectl("get", "--raw", "/readyz"));
      await eventually("pods to be reached", () => scene.kubectl("exec", "client", "--", "true"));
    },
  };

  for (const { what, model, by } of DISTURBANCES) {
    test(`loses no stream and makes no pod twice when ${what} while it wakes, is awake and goes to sleep`, async () => {
      await untilAsleep(model);
      const load = await scene.startInCluster(loadModule(model, HELD_STREAMS));
      await untilPods(model, 1);
      await disturb[by]();
      await scene.untilReady(model);
      await disturb[by]();
      await scene.untilReady(model);
      const { streams, failures } = await load.finish<LoadResult>();
      assert.deepEqual(failures, []);
      assert.ok(streams >= 2 * HELD_STREAMS, `${streams} streams`);
      // Told to go, and not yet gone.
      await untilPods(model, 0);
      await disturb[by]();
      const held = await scene.startInCluster(heldModule(model, HELD_STREAMS));
      const late = await held.finish<LoadResult>();
      assert.deepEqual(late, { streams: HELD_STREAMS, failures: [] });
      await untilAsleep(model);
      // One for each time that it woke; where its node hears late that the first is to go, that one answers the second time.
      const made = await podsEverMade(model);
      assert.ok(made.size === 1 || made.size === 2, [...made].join());
      await system("rollout", "status", API, "--timeout=180s");
    });
  }

  test("has one pod, three and one again as a load asks for them, and no stream fails", async () => {
    const base = await scene.startInCluster(loadModule("wide", 1));
    await scene.untilReady("wide", 1);
    const more = await scene.startInCluster(loadModule("wide", LANES_OF_THREE_PODS));
    await scene.untilReady("wide", 3);
    const most = await more.finish<LoadResult>();
    await scene.untilReady("wide", 1);
    const least = await base.finish<LoadResult>();
    assert.deepEqual([...most.failures, ...least.failures], []);
    assert.equal((await podsEverMade("wide")).size, 3);
    const events = await scene.kubectl("get", "events", "--output=jsonpath={.items[*].reason}");
    const expected = ["Woken", "FellAsleep", "ScaledUp", "ScaledDown"];
    assert.deepEqual(
      expected.filter((one) => !events.includes(one)),
      [],
    );
  });
});
