/**
 * All images of the suite, made on this machine: base images from Debian packages and npm, a Kubernetes
 * node, the product's three, and what tests run beside it.
 *
 * Each is named after a hash of what it is made of, so an image that exists is never built again and never
 * stale.
 */
import { chmod, copyFile, link, mkdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Binaries } from "../../build/binaries.ts";
import { BuildContext, once, type Report } from "../../build/build-once.ts";
import { run } from "../../build/command.ts";
import { contentHash } from "../../build/content-hash.ts";
import { buildImage } from "../../build/docker.ts";
import { PAUSE_IMAGE, prefix } from "../../build/image-names.ts";
import { buildJaegerImage } from "../../build/jaeger-image.ts";
import { buildOsImage } from "../../build/os-image.ts";
import { REPOSITORY } from "../../build/places.ts";
import { SMOLLM2_135M, writeNoiseLora } from "../../support/noise-lora.ts";
import { writeTinyProjector } from "../../support/seeing-models.ts";
import { writeTinyChatModel } from "../../support/tiny-models.ts";
import { ADAPTER_FILE, PROJECTOR_FILE, TINY_FILE, WEIGHTS_FILE } from "./model-files.ts";
import { SUITE } from "./places.ts";
import { buildNodeImage, buildProduct, type ProductImage } from "../../build/product-images.ts";
import { tarOf } from "../../build/tar.ts";

/** Pods run as users of their own. */
const WEIGHTS_MODE = 0o644;

export type Images = Readonly<
  Record<ProductImage | "jaeger" | "kubernetesNode" | "tools" | "weights", string>
>;

/** `weights`: the model file that the weights image carries. */
export async function buildImages(
  binaries: Binaries,
  weights: string,
  report: Report,
): Promise<Images> {
  const os = await buildOsImage(report);
  const node = await buildNodeImage(os, report);
  const kubernetesNode = await buildKubernetesNode(os, binaries, report);
  return {
    kubernetesNode,
    tools: await buildTools(node, report),
    weights: await buildWeights(weights, report),
    jaeger: await buildJaegerImage(report),
    ...(await buildProduct(["model-server", "api", "operator"], os, report)),
  };
}

/** See images/kubernetes-node/Dockerfile. */
async function buildKubernetesNode(os: string, binaries: Binaries, report: Report) {
  const folder = join(SUITE, "images/kubernetes-node");
  const hash = await contentHash(folder, ["**"], [os, binaries.hash]);
  const name = `${prefix}kubernetes-node:${hash}`;
  await once(name, report, async () => {
    await using context = await BuildContext.of(folder);
    await mkdir(context.file("bin/cni"), { recursive: true });
    for (const [binary, path] of binaries.paths)
      await hardLink(path, context.file(`bin/${binary}`));
    await run("docker", ["import", "--change", 'ENTRYPOINT ["/pause"]', "-", PAUSE_IMAGE], {
      input: tarOf(dirname(binaries.paths.get("pause") ?? ""), "pause"),
    });
    await run("docker", ["save", "--output", context.file("pause.tar"), PAUSE_IMAGE]);
    await buildImage({ name, context: context.path, args: { OS_IMAGE: os } });
  });
  return name;
}

/** See images/tools/Dockerfile. */
async function buildTools(node: string, report: Report): Promise<string> {
  const folder = join(SUITE, "images/tools");
  const openai = join(REPOSITORY, "node_modules/openai");
  const version = await readFile(join(openai, "package.json"), "utf8");
  const hash = await contentHash(folder, ["**"], [node, version]);
  const name = `${prefix}tools:${hash}`;
  await once(name, report, async () => {
    await using context = await BuildContext.of(folder);
    await run("cp", ["-r", openai, context.file("openai")]);
    await buildImage({ name, context: context.path, args: { NODE_IMAGE: node } });
  });
  return name;
}

async function buildWeights(weights: string, report: Report): Promise<string> {
  const folder = join(SUITE, "images/weights");
  const file = await contentHash(dirname(weights), [basename(weights)]);
  const made = await contentHash(join(REPOSITORY, "test/support"), [
    "*-lora.ts",
    "tiny-models.ts",
    "seeing-*.ts",
    "{glyphs,embedding-rows,gguf}.ts",
  ]);
  const hash = await contentHash(folder, ["**"], [WEIGHTS_MODE.toString(8), file, made]);
  const name = `${prefix}weights:${hash}`;
  await once(name, report, async () => {
    await using context = await BuildContext.of(folder);
    await copyFile(weights, context.file(WEIGHTS_FILE));
    await writeNoiseLora(context.file(ADAPTER_FILE), { shape: SMOLLM2_135M });
    await writeTinyChatModel(context.file(TINY_FILE));
    await writeTinyProjector(context.file(TINY_FILE), context.file(PROJECTOR_FILE));
    for (const one of [WEIGHTS_FILE, ADAPTER_FILE, TINY_FILE, PROJECTOR_FILE])
      await chmod(context.file(one), WEIGHTS_MODE);
    await buildImage({ name, context: context.path });
  });
  return name;
}

async function hardLink(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}
