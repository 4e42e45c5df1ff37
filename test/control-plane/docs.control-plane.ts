/**
 * The documentation's commands that take a Kubernetes API server, run as they are written with real kubectl and Helm,
 * page by page; and the manifests in examples/clients.
 *
 * No pod starts here. What takes one is marked in the page with what it needs.
 */
import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { after, before, suite, test } from "node:test";
import { kubeconfigAccess } from "@localmodel/kube/access/kubeconfig.ts";
import { NODES } from "@localmodel/kube/objects/core-resources.ts";
import { Client } from "@localmodel/kube/wire/client.ts";
import { Transport } from "@localmodel/kube/wire/transport.ts";
import { ControlPlane, KUBE_BIN_VARIABLE } from "../support/control-plane.ts";
import { type Command, commandsOf, isRunBy, REPOSITORY } from "../support/documented-commands.ts";
import { DocumentedShell } from "../support/documented-shell.ts";
import { HELM_VARIABLE } from "../support/helm.ts";
import { objectsIn } from "../support/rendered-chart.ts";
import { ServerDryRun } from "../support/server-dry-run.ts";

const SELF = relative(REPOSITORY, import.meta.filename);
const programs = {
  kubectl: join(process.env[KUBE_BIN_VARIABLE] ?? "", "kubectl"),
  helm: process.env[HELM_VARIABLE] ?? "helm",
};

const pages = await Array.fromAsync(
  glob(["charts/*/README.md", "docs/**/*.md"], { cwd: REPOSITORY }),
);
const commands = (await Promise.all(pages.toSorted().map((page) => commandsOf(page)))).flat();
const runHere = commands.filter((command) => isRunBy(command, SELF));

for (const [page, ofPage] of Map.groupBy(runHere, ({ page: name }) => name)) {
  suite(`the commands of ${page}`, () => {
    let plane: ControlPlane | undefined;
    let shell: DocumentedShell;

    after(async () => plane?.[Symbol.asyncDispose]());

    for (const command of ofPage) {
      test(`at line ${command.line} work`, async () => {
        if (plane === undefined || startsAnew(command)) {
          await plane?.[Symbol.asyncDispose]();
          // The ServiceAccounts and Secrets of namespaces are a controller's work.
          plane = await ControlPlane.start({ controllers: true });
          await addNode(plane);
          shell = await DocumentedShell.in(plane.folder, programs, plane.kubeconfig);
        }
        await shell.run(command.text);
      });
    }
  });
}

suite("the manifests in examples/clients", () => {
  let plane: ControlPlane;
  let transport: Transport;

  before(async () => {
    plane = await ControlPlane.start();
    transport = new Transport(kubeconfigAccess(plane.kubeconfig));
  });

  after(async () => {
    await transport?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
  });

  test("are taken by the API server, and speak of each other by the right names", async () => {
    const folder = join(REPOSITORY, "examples/clients");
    const files = await Array.fromAsync(glob("*.yaml", { cwd: folder }));
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
    const objects = texts.flatMap(objectsIn);
    const dryRun = new ServerDryRun(transport);
    for (const object of objects) await dryRun.accepts(object, "default");
    const named = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    const text = texts.join("\n");
    const referred = [...text.matchAll(/(configMap|secret)(?:KeyRef|Ref)?: \{ name: ([\w-]+)/g)];
    assert.ok(referred.length >= 5);
    for (const [, kind, name] of referred)
      assert.ok(named.includes(`${kind === "secret" ? "Secret" : "ConfigMap"}/${name}`), name);
  });
});

/** Some commands look at nodes; nothing runs on this one. */
async function addNode({ kubeconfig }: ControlPlane): Promise<void> {
  await using transport = new Transport(kubeconfigAccess(kubeconfig));
  const client = new Client(transport, { fieldManager: "test" });
  await client.apply(NODES, { metadata: { name: "node-1" } });
}

function startsAnew({ tag }: Command): boolean {
  return tag !== undefined && "runBy" in tag && tag.onNewCluster;
}
