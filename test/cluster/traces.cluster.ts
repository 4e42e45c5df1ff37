/**
 * A request through the chart's installation, as a real trace backend shows it: one trace, from the client's own span
 * over the API service to the engine in the pod that answered; and the operator's passes beside it.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type OpenAI from "openai";
import { chatTree } from "../support/chat-tree.ts";
import { eventually } from "../support/eventually.ts";
import type { Jaeger } from "../support/jaeger.ts";
import { newTraceContext } from "../support/trace-context.ts";
import { tracedModule } from "./harness/client-modules.ts";
import { Scene } from "./harness/scene.ts";
import { traceBackend } from "./harness/trace-backend.ts";

const MODEL = "traced";

suite("a request in a cluster", () => {
  let scene: Scene;
  let jaeger: Jaeger;

  before(async () => {
    scene = await Scene.open("traces");
    jaeger = traceBackend(scene.cluster);
    await scene.model(MODEL);
    await scene.untilReady(MODEL);
  });

  after(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test("is one trace, which says which pod answered and what it took", async () => {
    const { traceId, spanId, headers } = newTraceContext();
    const named = { ...headers, "x-request-id": `cluster-${traceId}` };
    const usage = await scene.inCluster<OpenAI.CompletionUsage>(tracedModule(MODEL, named));
    const trace = await jaeger.trace(traceId, chatTree(MODEL), { timeoutMs: 60_000 });
    assert.equal(trace.spans[0]?.parentId, spanId);
    const [pod] = await scene.pods(MODEL);
    const server = trace.one("POST /v1/chat/completions", "localmodel-model-server");
    assert.equal(server.resource["k8s.pod.name"], pod?.metadata.name);
    assert.equal(server.resource["k8s.namespace.name"], scene.namespace);
    assert.equal(server.resource["localmodel.name"], MODEL);
    assert.equal(server.attributes["localmodel.request.id"], `cluster-${traceId}`);
    const { attributes: picked } = trace.one("pick");
    assert.equal(picked["k8s.pod.name"], pod?.metadata.name);
    assert.equal(picked["server.address"], pod?.status.podIP);
    const { attributes: chat } = trace.one(`chat ${MODEL}`);
    assert.equal(chat["gen_ai.usage.input_tokens"], usage.prompt_tokens);
    assert.equal(chat["gen_ai.usage.output_tokens"], usage.completion_tokens);
  });

  test("was preceded by the operator's passes over its model, with what they wrote", async () => {
    await eventually(
      "a pass that wrote",
      async () => {
        const tags = { "localmodel.name": MODEL, "k8s.namespace.name": scene.namespace };
        const passes = await jaeger.search("localmodel-operator", tags);
        const writing = passes.find(({ spans }) => spans.some(({ name }) => name === "PATCH"));
        assert.ok(writing, `${passes.length} passes`);
        assert.equal(writing.spans[0]?.name, "reconcile LocalModel");
      },
      { timeoutMs: 60_000 },
    );
  });
});
