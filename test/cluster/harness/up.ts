/**
 * `npm run cluster:up`: a Kubernetes cluster of two nodes with the product's images, built from this tree.
 *
 * With a cluster that runs already, only images that have changed are brought to its nodes.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Network } from "testcontainers";
import { fetchTestModel } from "../../../scripts/fetch-test-model.ts";
import { type Binaries, buildBinaries } from "./binaries.ts";
import { run } from "./command.ts";
import { ensureDocker } from "./docker.ts";
import { buildImages, type Images } from "./images.ts";
import { startNode } from "./node-container.ts";
import { CLUSTER_FOLDER, CLUSTER_NAME } from "./places.ts";
import { readCluster, type RunningCluster, writeCluster } from "./running-cluster.ts";

type Report = (line: string) => void;

const IMPORT_TIMEOUT_MS = 10 * 60_000;

export async function clusterUp(report: Report): Promise<RunningCluster> {
  // No reaper: its image is in a registry. down.ts and the suite take away what they have started.
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
  await ensureDocker(report);
  const weights = await fetchTestModel();
  const binaries = await buildBinaries(report);
  const images = await buildImages(binaries, weights, report);
  const running = await readCluster();
  const cluster = running ?? (await startCluster(images, binaries, report));
  const loaded = await loadImages(cluster, images, running?.images, report);
  await writeCluster(loaded);
  return loaded;
}

async function startCluster(
  images: Images,
  binaries: Binaries,
  report: Report,
): Promise<RunningCluster> {
  report("starting two nodes");
  const pkiFolder = join(CLUSTER_FOLDER, "pki");
  await rm(pkiFolder, { recursive: true, force: true });
  await mkdir(pkiFolder, { recursive: true });
  const network = await new Network().start();
  const image = images.kubernetesNode;
  const names = [`${CLUSTER_NAME}-server`, `${CLUSTER_NAME}-agent`] as const;
  const server = startNode({ image, name: names[0], network, pkiFolder });
  const agent = startNode({ image, name: names[1], network, pkiFolder, server: names[0] });
  const [started] = await Promise.all([server, agent]);
  const address = started.getIpAddress(network.getName());
  const { kubernetesNode: _node, ...loadable } = images;
  const kubectl = binaries.paths.get("kubectl") ?? "";
  return {
    kubeconfig: await writeKubeconfig(pkiFolder, `https://${address}:6443`),
    containers: [...names],
    network: network.getName(),
    images: loadable,
    kubeBinaries: await controlPlaneFolder(binaries),
    helm: binaries.paths.get("helm") ?? dirname(kubectl),
  };
}

/** etcd is a program of its own, but whoever starts a control plane wants one folder. */
async function controlPlaneFolder({ paths, hash }: Binaries): Promise<string> {
  const folder = join(CLUSTER_FOLDER, `bin-${hash}`);
  await mkdir(folder, { recursive: true });
  for (const name of [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubectl",
  ])
    await run("ln", ["-sf", paths.get(name) ?? "", join(folder, name)]);
  return folder;
}

async function writeKubeconfig(pkiFolder: string, server: string): Promise<string> {
  const base64 = async (name: string): Promise<string> =>
    (await readFile(join(pkiFolder, name))).toString("base64");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "test", cluster: { server, "certificate-authority-data": await base64("ca.crt") } },
    ],
    users: [
      {
        name: "admin",
        user: {
          "client-certificate-data": await base64("admin.crt"),
          "client-key-data": await base64("admin.key"),
        },
      },
    ],
    contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
    "current-context": "test",
  };
  const path = join(CLUSTER_FOLDER, "kubeconfig");
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

async function loadImages(
  cluster: RunningCluster,
  { kubernetesNode: _node, ...images }: Images,
  known: RunningCluster["images"] | undefined,
  report: Report,
): Promise<RunningCluster> {
  const had = new Set(Object.values(known ?? {}));
  const missing = Object.values(images).filter((name) => !had.has(name));
  if (missing.length > 0) {
    report(`loading ${missing.join(", ")}`);
    const tar = join(CLUSTER_FOLDER, "images.tar");
    await run("docker", ["save", "--output", tar, ...missing], { timeoutMs: IMPORT_TIMEOUT_MS });
    for (const container of cluster.containers) await importInto(container, tar);
    await rm(tar);
  }
  return { ...cluster, images };
}

async function importInto(container: string, tar: string): Promise<void> {
  const { createReadStream } = await import("node:fs");
  const importing = ["ctr", "--namespace", "k8s.io", "images", "import", "-"];
  await run("docker", ["exec", "--interactive", container, ...importing], {
    input: createReadStream(tar),
    timeoutMs: IMPORT_TIMEOUT_MS,
  });
}

if (import.meta.main) {
  const { kubeconfig } = await clusterUp((line) => console.error(line));
  console.log(kubeconfig);
}
