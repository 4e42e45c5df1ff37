/**
 * All images of the suite, made on this machine: base images from Debian packages and npm, a Kubernetes
 * node, the product's three, and what tests run beside it.
 *
 * Each is named after a hash of what it is made of, so an image that exists is never built again and never
 * stale.
 */
import { chmod, copyFile, link, mkdir, mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Binaries } from "./binaries.ts";
import { run } from "./command.ts";
import { contentHash } from "./content-hash.ts";
import { buildImage, hasImage } from "./docker.ts";
import { PAUSE_IMAGE, prefix } from "./image-names.ts";
import { buildOsImage } from "./os-image.ts";
import { REPOSITORY, SUITE } from "./places.ts";
import { tarOf } from "./tar.ts";

const PRODUCT = ["model-server", "api", "operator"] as const;
/** Pods run as users of their own. */
const WEIGHTS_MODE = 0o644;

/** Beside those of its own service. */
const COMMON_SOURCES = [
  "package.json",
  "package-lock.json",
  "Dockerfile",
  ".dockerignore",
  "scripts/shrink-modules.sh",
  "packages/**",
  "services/*/package.json",
];

export type ProductImage = (typeof PRODUCT)[number];
export type Images = Readonly<
  Record<ProductImage | "kubernetesNode" | "tools" | "weights", string>
>;

type Report = (line: string) => void;

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
    ...(await buildProduct(node, os, report)),
  };
}

async function buildProduct(node: string, os: string, report: Report) {
  const images: Record<string, string> = {};
  for (const target of PRODUCT) {
    const sources = [...COMMON_SOURCES, `services/${target}/**`];
    const hash = await contentHash(REPOSITORY, sources, [node, os]);
    const name = `${prefix}localmodel-${target}:${hash}`;
    images[target] = name;
    await once(name, report, () =>
      buildImage({
        name,
        context: REPOSITORY,
        target,
        args: { NODE_IMAGE: node, RUNTIME_IMAGE: os, VERSION: hash },
      }),
    );
  }
  return images as Record<ProductImage, string>;
}

/** See images/node/Dockerfile. */
async function buildNodeImage(os: string, report: Report): Promise<string> {
  const folder = join(SUITE, "images/node");
  const npm = await npmFolder();
  const npmVersion = await readFile(join(npm, "package.json"), "utf8");
  const hash = await contentHash(folder, ["**"], [os, process.version, npmVersion]);
  const name = `${prefix}node:${hash}`;
  await once(name, report, async () => {
    await using context = await BuildContext.of(folder);
    await copyFile(join(REPOSITORY, "node_modules/node/bin/node"), context.file("node"));
    await run("cp", ["-r", npm, context.file("npm")]);
    const authorities = process.env["SSL_CERT_FILE"] ?? "/etc/ssl/certs/ca-certificates.crt";
    await copyFile(authorities, context.file("ca-certificates.crt"));
    await buildImage({ name, context: context.path, args: { OS_IMAGE: os } });
  });
  return name;
}

/** Of the npm that runs this, else of the one on the PATH. */
async function npmFolder(): Promise<string> {
  const cli = process.env["npm_execpath"] ?? (await run("which", ["npm"])).trim();
  return dirname(dirname(await realpath(cli)));
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
  const name = `${prefix}weights:${await contentHash(folder, ["**"], [WEIGHTS_MODE.toString(8)])}`;
  await once(name, report, async () => {
    await using context = await BuildContext.of(folder);
    await copyFile(weights, context.file("SmolLM2-135M-Instruct.Q4_1.gguf"));
    await chmod(context.file("SmolLM2-135M-Instruct.Q4_1.gguf"), WEIGHTS_MODE);
    await buildImage({ name, context: context.path });
  });
  return name;
}

async function once(name: string, report: Report, build: () => Promise<void>): Promise<void> {
  if (await hasImage(name)) return;
  report(`building ${name}`);
  await build();
}

class BuildContext implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async of(folder: string): Promise<BuildContext> {
    const context = new BuildContext(await mkdtemp(join(tmpdir(), "localmodel-image-")));
    await run("cp", ["-r", `${folder}/.`, context.path]);
    return context;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

async function hardLink(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}
