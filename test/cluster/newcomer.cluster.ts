/**
 * The path of a new user on an empty cluster: the README's commands for Kubernetes, as they are written, until tokens
 * arrive; and the way back. Says how long each step took.
 *
 * Three things differ from a cluster with the internet: the images that the README names are brought to the nodes instead
 * of pulled, the example fetches its weights from inside, as its own comment offers, and nothing asks for disk, which the
 * kubelets here do not count (docs/platforms.md).
 */
import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { parse, stringify } from "yaml";
import { REPOSITORY } from "../build/places.ts";
import { commandsOf, isRunBy } from "../support/documented-commands.ts";
import { DocumentedShell } from "../support/documented-shell.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { tagged } from "./harness/load-images.ts";
import { Scene } from "./harness/scene.ts";

const SELF = "test/cluster/newcomer.cluster.ts";
const EXAMPLE = "examples/smollm2-135m-cluster.yaml";
const REGISTRY = "registry.example.com/localmodel";
const TIMEOUT_MS = 300_000;

suite("a newcomer with an empty cluster", () => {
  let scene: Scene;
  let folder: TemporaryFolder;
  let shell: DocumentedShell;

  before(async () => {
    scene = await Scene.open("newcomer");
    const { version } = JSON.parse(await readFile(join(REPOSITORY, "package.json"), "utf8")) as {
      version: string;
    };
    for (const name of ["model-server", "api", "operator"] as const) {
      const image = scene.cluster.images[name];
      await tagged(scene.cluster, image, `${REGISTRY}/localmodel-${name}:${version}`);
    }
    folder = await TemporaryFolder.create();
    const { kubeBinaries, helm, kubeconfig } = scene.cluster;
    const programs = { kubectl: join(kubeBinaries, "kubectl"), helm };
    shell = await DocumentedShell.in(folder, programs, kubeconfig, ["crds"]);
    for (const name of ["charts", "examples"]) {
      await cp(join(REPOSITORY, name), folder.file(`checkout/${name}`), { recursive: true });
    }
    const values = folder.file("checkout/charts/localmodel/values.yaml");
    await writeFile(values, withoutDisk(await readFile(values, "utf8")));
    const example = await readFile(folder.file(`checkout/${EXAMPLE}`), "utf8");
    await writeFile(folder.file(`checkout/${EXAMPLE}`), fromInside(example, scene.url()));
  });

  after(async () => {
    await folder?.[Symbol.asyncDispose]();
    await scene?.[Symbol.asyncDispose]();
  });

  test("gets tokens with the README's commands", async (t) => {
    const [install, ask, ...more] = (await commandsOf("README.md")).filter((one) =>
      isRunBy(one, SELF),
    );
    assert.ok(install !== undefined && ask !== undefined && more.length === 0);
    const startMs = performance.now();
    const seconds = () => ((performance.now() - startMs) / 1000).toFixed(1);
    for (const step of commandsIn(install.text)) {
      await shell.run(step, TIMEOUT_MS);
      t.diagnostic(`${seconds()} s: ${step.split("\n")[0]}`);
    }
    const events = await shell.run(`trap 'kill $!' EXIT\n${ask.text}`);
    t.diagnostic(`${seconds()} s: answered`);
    assert.ok(events.split("\n").filter((line) => line.includes('"content":"')).length > 3, events);
    assert.match(events, /data: \[DONE\]\s*$/);
  });

  test("takes everything away again", async () => {
    const shown = (kinds: string) =>
      shell.run(`kubectl get ${kinds} --all-namespaces --output=name`);
    await shell.run("kubectl delete localmodel smollm2 --timeout=60s");
    await shell.run("helm uninstall localmodel --namespace localmodel --wait");
    assert.match(await shown("crds"), /localmodels\.localmodel\.dev/);
    await shell.run("kubectl delete --filename crds/ && kubectl delete namespace localmodel");
    const left = await shown("crds,clusterroles,clusterrolebindings,validatingadmissionpolicies");
    assert.doesNotMatch(left, /localmodel/);
  });
});

/** One command at a time, to see how long each takes. */
function commandsIn(text: string): readonly string[] {
  return text
    .split(/(?<!\\)\n/)
    .map((command) => command.trim())
    .filter((command) => command !== "");
}

function withoutDisk(values: string): string {
  const { operator, ...rest } = parse(values) as { readonly operator: object };
  return stringify({
    ...rest,
    operator: { ...operator, config: { ephemeralStorageRequests: false } },
  });
}

function fromInside(example: string, url: string): string {
  const source = /^    huggingFace:\n(?: {6}.*\n)+/m;
  assert.match(example, source);
  return example.replace(source, `    http:\n      url: ${url}\n`);
}
