/**
 * `npm run cluster:up`: a Kubernetes cluster of two nodes with the product's images, built from this tree.
 *
 * With a cluster that runs already, only images that have changed are brought to its nodes.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Network } from "testcontainers";
import { fetchTestModel } from "../../../scripts/fetch-test-model.ts";
import { type Binaries, buildBinaries, CLUSTER, controlPlaneFolder } from "../../build/binaries.ts";
import { ensureDocker } from "../../build/docker.ts";
import { clusterDown } from "./down.ts";
import { buildImages, type Images } from "./images.ts";
import { K3S_IMAGE_VARIABLE, startK3s } from "./k3s.ts";
import { kubectlOf } from "./kubectl.ts";
import { loadImages } from "./load-images.ts";
import { startNode } from "./node-container.ts";
import { CLUSTER_FOLDER, CLUSTER_NAME } from "./places.ts";
import { readCluster, type RunningCluster, writeCluster } from "./running-cluster.ts";

type Report = (line: string) => void;

export async function clusterUp(report: Report): Promise<RunningCluster> {
  // No reaper: its image is in a registry. down.ts and the suite take away what they have started.
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
  await ensureDocker(report);
  const weights = await fetchTestModel();
  const binaries = await buildBinaries(CLUSTER, report);
  const images = await buildImages(binaries, weights, report);
  const running = await runningCluster();
  const cluster = running ?? (await clusterWith(images, binaries, report));
  const loaded = await loadImages(cluster, images, running?.images, report);
  await writeCluster(loaded);
  return loaded;
}

/** What is left of one whose containers have gone, with a restart of the machine say, is taken away. */
async function runningCluster(): Promise<RunningCluster | undefined> {
  const known = await readCluster();
  if (known === undefined) return undefined;
  const answer = await kubectlOf(known, "default")("get", "--raw", "/readyz").catch(
    () => undefined,
  );
  if (answer !== undefined) return known;
  await clusterDown();
  return undefined;
}

/** The one that LOCALMODEL_TEST_KUBECONFIG names, else a new one: of K3s, if an image of it is named. */
async function clusterWith(
  images: Images,
  binaries: Binaries,
  report: Report,
): Promise<RunningCluster> {
  const { kubernetesNode, ...loadable } = images;
  return {
    ...(await access(kubernetesNode, report)),
    images: loadable,
    kubeBinaries: await controlPlaneFolder(binaries),
    helm: binaries.paths.get("helm") ?? "helm",
  };
}

async function access(kubernetesNode: string, report: Report) {
  const kubeconfig = process.env["LOCALMODEL_TEST_KUBECONFIG"] ?? "";
  if (kubeconfig !== "") return { kubeconfig, containers: [], network: "" };
  const k3sImage = process.env[K3S_IMAGE_VARIABLE] ?? "";
  if (k3sImage === "") return startNodes(kubernetesNode, report);
  report(`starting ${k3sImage}`);
  return startK3s(k3sImage);
}

async function startNodes(
  image: string,
  report: Report,
): Promise<Pick<RunningCluster, "kubeconfig" | "containers" | "network">> {
  report("starting two nodes");
  const pkiFolder = join(CLUSTER_FOLDER, "pki");
  await rm(pkiFolder, { recursive: true, force: true });
  await mkdir(pkiFolder, { recursive: true });
  const network = await new Network().start();
  const names = [`${CLUSTER_NAME}-server`, `${CLUSTER_NAME}-agent`] as const;
  const server = startNode({ image, name: names[0], network, pkiFolder });
  const agent = startNode({ image, name: names[1], network, pkiFolder, server: names[0] });
  const [started] = await Promise.all([server, agent]);
  const address = started.getIpAddress(network.getName());
  return {
    kubeconfig: await writeKubeconfig(pkiFolder, `https://${address}:6443`),
    containers: [...names],
    network: network.getName(),
  };
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

if (import.meta.main) {
  const { kubeconfig } = await clusterUp((line) => console.error(line));
  console.log(kubeconfig);
}
