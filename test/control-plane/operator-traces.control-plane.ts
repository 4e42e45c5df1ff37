/** Traces of the real operator process on a real API server, as a collector gets them. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { OPERATOR_CONFIG_VARIABLE } from "@localmodel/localmodel/contracts/operator-config.ts";
import { NAMESPACE, OperatorCluster } from "../support/operator-cluster.ts";
import { OtlpReceiver, outlineOf, spansOf } from "../support/otlp-receiver.ts";
import { LOCAL_MODELS } from "../../services/operator/model/local-model-resource.ts";

const MAIN = fileURLToPath(new URL("../../services/operator/main.ts", import.meta.url));

let cluster: OperatorCluster;
let collector: OtlpReceiver;
before(async () => {
  cluster = await OperatorCluster.start();
  collector = await OtlpReceiver.start();
});
after(async () => {
  await collector[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

test("a pass is a span, and each of its writes one below it", async (t) => {
  const config = { images: { cpu: "server:cpu" }, host: "127.0.0.1", port: 0 };
  const operator = fork(MAIN, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: {
      ...process.env,
      ...collector.environment,
      KUBECONFIG: cluster.plane.kubeconfig,
      [OPERATOR_CONFIG_VARIABLE]: JSON.stringify(config),
    },
  });
  t.after(async () => {
    operator.kill("SIGTERM");
    await once(operator, "exit");
  });
  const spec = { source: { http: { url: "https://models.example/model.gguf" } } };
  await cluster.client.apply(LOCAL_MODELS, {
    metadata: { namespace: NAMESPACE, name: "traced" },
    spec,
  });
  const pass = await collector.until("a pass that writes", () =>
    collector.spans.find(
      ({ name, attributes }) =>
        name === "reconcile LocalModel" && Number(attributes["localmodel.reconcile.writes"]) > 0,
    ),
  );
  const writes = Number(pass.attributes["localmodel.reconcile.writes"]);
  const tree = await collector.trace(({ spanId }) => spanId === pass.spanId, 1 + writes);
  assert.equal(pass.service, "localmodel-operator");
  assert.equal(pass.parentSpanId, "");
  assert.equal(pass.attributes["k8s.namespace.name"], NAMESPACE);
  assert.equal(pass.attributes["localmodel.name"], "traced");
  const [, ...children] = outlineOf(tree);
  assert.equal(children.length, writes);
  assert.ok(children.includes("  PATCH [client]"), children.join("\n"));
  const paths = spansOf(tree).map(({ attributes }) => String(attributes["url.path"]));
  assert.ok(
    paths.some((path) => path.endsWith("/localmodels/traced/status")),
    paths.join("\n"),
  );
  for (const { span } of tree.children) {
    assert.ok(span.start >= pass.start && span.end <= pass.end, span.name);
  }
});
