/**
 * Brings images to the nodes of a cluster: past registries, straight into containerd.
 */
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../build/command.ts";
import type { Images } from "./images.ts";
import { CLUSTER_FOLDER } from "./places.ts";
import { ownContainers, type RunningCluster } from "./running-cluster.ts";

const IMPORT_TIMEOUT_MS = 10 * 60_000;

/** `known`: what the nodes have already. */
export async function loadImages(
  cluster: RunningCluster,
  { kubernetesNode: _node, ...images }: Images,
  known: RunningCluster["images"] | undefined,
  report: (line: string) => void,
): Promise<RunningCluster> {
  const had = new Set(Object.values(known ?? {}));
  const missing = Object.values(images).filter((name) => !had.has(name));
  if (missing.length > 0) {
    report(`loading ${missing.join(", ")}`);
    const nodes = ownContainers(cluster);
    await (nodes.length > 0 ? loadInto(nodes, missing) : loadByCommand(missing));
  }
  return { ...cluster, images };
}

/** Gives an image that the nodes have another name there: for what names images as a registry does. */
export async function tagged(cluster: RunningCluster, image: string, name: string): Promise<void> {
  const known = `docker.io/${image}`;
  for (const container of cluster.containers) {
    const ctr = ["exec", container, "ctr", "--namespace", "k8s.io", "images"];
    await run("docker", [...ctr, "tag", "--force", known, name]);
  }
}

async function loadInto(nodes: readonly string[], images: readonly string[]): Promise<void> {
  const tar = join(CLUSTER_FOLDER, "images.tar");
  await run("docker", ["save", "--output", tar, ...images], { timeoutMs: IMPORT_TIMEOUT_MS });
  await Promise.all(nodes.map((node) => importInto(node, tar)));
  await rm(tar);
}

/** Only its owner knows how a cluster that was there before gets images; without a word it has them. */
async function loadByCommand(images: readonly string[]): Promise<void> {
  const [program, ...args] = (process.env["LOCALMODEL_TEST_LOAD_IMAGE"] ?? "").split(" ");
  if (program === undefined || program === "") return;
  for (const image of images)
    await run(program, [...args, image], { timeoutMs: IMPORT_TIMEOUT_MS });
}

async function importInto(container: string, tar: string): Promise<void> {
  const importing = ["ctr", "--namespace", "k8s.io", "images", "import", "-"];
  await run("docker", ["exec", "--interactive", container, ...importing], {
    input: createReadStream(tar),
    timeoutMs: IMPORT_TIMEOUT_MS,
  });
}
