/**
 * The autoscalers that docs/sleep.md has examples of, on a real API server: Kubernetes' own, whose controller reads the scale
 * of a LocalModel, and KEDA's ScaledObject, by its published definition.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { Client } from "@localmodel/kube/wire/client.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { customResourceDefinition } from "@localmodel/localmodel/cluster/crd.ts";
import { parse } from "yaml";
import { LOCAL_MODELS } from "../../services/operator/model/local-model-resource.ts";
import { ControlPlane } from "../support/control-plane.ts";
import { CRDS } from "../support/crds.ts";
import { REPOSITORY } from "../support/documented-commands.ts";
import { eventually } from "../support/eventually.ts";
import { ServerDryRun } from "../support/server-dry-run.ts";
import { furtherDefinitions } from "./further-definitions.ts";

const NAMESPACE = "default";
const MODEL = "smollm2";
/** The controller looks every 15 seconds. */
const PATIENCE = { timeoutMs: 180_000 };

suite("the autoscalers of docs/sleep.md", () => {
  let plane: ControlPlane;
  let transport: Transport;

  before(async () => {
    plane = await ControlPlane.start({ controllers: true });
    transport = new Transport(kubeconfigAccess(plane.kubeconfig));
    const client = new Client(transport, { fieldManager: "test" });
    await client.apply(CRDS, customResourceDefinition());
    const [definition] = await furtherDefinitions("github.com/kedacore/keda/v2");
    await client.apply(CRDS, definition ?? assert.fail());
    await eventually("the definition of LocalModel", () => client.list({ resource: LOCAL_MODELS }));
    const source = { http: { url: "https://models.example/model.gguf" } };
    const metadata = { namespace: NAMESPACE, name: MODEL };
    await client.create(LOCAL_MODELS, { metadata, spec: { source, replicas: 1 } });
  });

  after(async () => {
    await transport?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
  });

  test("Kubernetes' own finds the model and its replicas", async () => {
    const example = await exampleOf("HorizontalPodAutoscaler");
    const path = `/apis/${example.apiVersion}/namespaces/${NAMESPACE}/horizontalpodautoscalers`;
    const query = { fieldValidation: "Strict" };
    await transport.json({ method: "POST", path, query, body: example });
    const reading = async (): Promise<void> => {
      const { status = {} } = await transport.json<Autoscaler>({
        method: "GET",
        path: `${path}/${example.metadata.name}`,
      });
      const able = status.conditions?.find(({ type }) => type === "AbleToScale");
      assert.deepEqual([able?.status, able?.reason], ["True", "SucceededGetScale"]);
    };
    await eventually("its controller to have read the scale", reading, PATIENCE);
  });

  test("KEDA's ScaledObject is one by KEDA's own definition", async () => {
    const example = await exampleOf("ScaledObject");
    await eventually("the definition of ScaledObject", () =>
      new ServerDryRun(transport).accepts(example, NAMESPACE),
    );
  });
});

type Autoscaler = {
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
    }[];
  };
};

async function exampleOf(kind: string): Promise<KubeObject> {
  const page = await readFile(join(REPOSITORY, "docs/sleep.md"), "utf8");
  const blocks = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)];
  const objects = blocks.map(([, text = ""]) => parse(text) as KubeObject);
  return objects.find((one) => one.kind === kind) ?? assert.fail(`no example of a ${kind}`);
}
