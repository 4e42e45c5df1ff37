/**
 * Models that see, on a real API server: a projector from each kind of source is inspected before there is a pod that
 * serves, brought to it, counted in its memory, and what the model can do then is in its status.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { FetchConfig } from "@localmodel/localmodel/contracts/fetch-config.ts";
import { inspectionMessage } from "@localmodel/localmodel/contracts/inspection.ts";
import { ServerConfig } from "@localmodel/localmodel/contracts/server-config.ts";
import type { ServerState } from "@localmodel/localmodel/contracts/server-state.ts";
import { terminationMessage } from "@localmodel/localmodel/contracts/termination.ts";
import type { LocalModelSpecInput } from "@localmodel/localmodel/resource/localmodel.ts";
import { facts } from "../../services/model-server/fixtures/scripted-engine.ts";
import { http, inspection } from "../../services/operator/fixtures/models.ts";
import {
  containerStatus,
  OperatorCluster,
  type RunningOperator,
} from "../support/operator-cluster.ts";

const FOLDER = "/var/lib/localmodel/volumes/projector-0";
const PROJECTOR_BYTES = 300_000_000;
const ENCODER_BYTES = 900_000_000;
const seeing = {
  ...inspection,
  furtherBytes: PROJECTOR_BYTES,
  encoderBytes: ENCODER_BYTES,
  capabilities: ["chat", "vision"],
};

type Container = NonNullable<Pod["spec"]>["containers"][number];
type Projector = NonNullable<LocalModelSpecInput["projector"]>;

/** Where its fetcher finds the projector, and what is mounted there. */
const SOURCES: Readonly<Record<string, { source: Projector; at: object; volume?: object }>> = {
  "a-url": {
    source: { http: { url: "https://models.example/mmproj.gguf" } },
    at: { http: { url: "https://models.example/mmproj.gguf" } },
  },
  "a-claim": {
    source: { persistentVolumeClaim: { claimName: "models", path: "a/mmproj.gguf" } },
    at: { file: { path: `${FOLDER}/a/mmproj.gguf` } },
    volume: { persistentVolumeClaim: { claimName: "models", readOnly: true } },
  },
  "an-image": {
    source: { image: { reference: "registry.example/mmproj:1", path: "mmproj.gguf" } },
    at: { file: { path: `${FOLDER}/mmproj.gguf` } },
    volume: { image: { reference: "registry.example/mmproj:1" } },
  },
};

suite("a model with a projector on a real API server", () => {
  let cluster: OperatorCluster;
  let operator: RunningOperator;

  before(async () => {
    cluster = await OperatorCluster.start();
    operator = await cluster.startOperator();
  });
  after(async () => {
    await operator?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  for (const [name, { source: projector, at, volume }] of Object.entries(SOURCES)) {
    test(`from ${name}: inspected, fetched, scheduled, and told in the status`, async () => {
      await cluster.apply(name, { source: { http }, projector });
      const [inspecting] = await cluster.podsWhen(name, 1, "inspect");
      assert.ok(inspecting);
      assertBrings(inspecting, containerOf(inspecting, "inspect"), { at, volume });
      assert.equal(await cluster.deployment(name), undefined);
      await cluster.inspected(inspecting, inspectionMessage(seeing));
      const [pod] = await cluster.podsWhen(name, 1);
      assert.ok(pod);
      assertBrings(pod, containerOf(pod, "fetch"), { at, volume });
      const server = containerOf(pod, "server");
      const { projectorPath } = ServerConfig.parse(configOf(server));
      assert.equal(projectorPath, "/var/lib/localmodel/model/projector/model.gguf");
      const limit = Number.parseInt(server.resources?.limits?.["memory"] ?? "", 10) * 2 ** 20;
      assert.ok(limit > inspection.sizeBytes + PROJECTOR_BYTES + ENCODER_BYTES, `${limit}`);
      cluster.answers.set(pod.metadata.name, { from: "server", state: READY });
      await cluster.serve(pod);
      await cluster.until(name, "Ready", "True Ready");
      const model = await cluster.model(name);
      assert.deepEqual(model?.status?.inspection?.capabilities, ["chat", "vision"]);
      assert.deepEqual(model.status.model?.capabilities, ["chat", "completions", "vision"]);
      assert.ok((model.status.memory?.totalBytes ?? 0) >= limit - 2 ** 20);
    });
  }

  test("that is none is told before there is a pod that serves", async () => {
    await cluster.apply("no-projector", { source: { http }, projector: { http } });
    const [inspecting] = await cluster.podsWhen("no-projector", 1, "inspect");
    assert.ok(inspecting);
    const message = terminationMessage({
      reason: "InvalidSource",
      message: "the projector is no projector",
    });
    const terminated = { exitCode: 1, reason: "Error", message };
    await cluster.schedule(inspecting);
    await cluster.report(inspecting, {
      containerStatuses: [
        containerStatus("inspect", { waiting: { reason: "CrashLoopBackOff" } }, false, {
          restartCount: 1,
          lastState: { terminated },
        }),
      ],
    });
    const ready = await cluster.until("no-projector", "Ready", "False InvalidSource");
    assert.match(ready.message, /the projector is no projector/);
    assert.equal(await cluster.deployment("no-projector"), undefined);
  });
});

const READY: ServerState = {
  state: "ready",
  message: "Ready",
  model: { ...facts, capabilities: ["chat", "completions", "vision"] },
};

function containerOf({ spec }: Pod, name: string): Container {
  const all = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const container = all.find((one) => one.name === name);
  assert.ok(container, name);
  return container;
}

/** Each has its configuration as JSON in one variable. */
function configOf({ env = [] }: Container): unknown {
  const text = env.map(({ value = "" }) => value).find((value) => value.startsWith("{"));
  return JSON.parse(text ?? "null");
}

function assertBrings(
  { spec }: Pod,
  container: Container,
  { at, volume }: { readonly at: object; readonly volume: object | undefined },
): void {
  const { files } = FetchConfig.parse(configOf(container));
  const file = files.find(({ role }) => role === "projector");
  assert.partialDeepStrictEqual(file?.source, at);
  const mount = container.volumeMounts?.find(({ mountPath }) => mountPath === FOLDER);
  assert.equal(mount !== undefined, volume !== undefined);
  if (volume === undefined) return;
  const mounted = (spec?.volumes ?? []).find(({ name }) => name === mount?.name);
  assert.partialDeepStrictEqual(mounted, volume);
  assert.equal(mount?.readOnly, true);
}
