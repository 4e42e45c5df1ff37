/**
 * The product's images as its Dockerfile makes them, and the stand-in for Node's official image that they are
 * made with.
 */
import { copyFile, readFile, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BuildContext, once, type Report } from "./build-once.ts";
import { run } from "./command.ts";
import { contentHash } from "./content-hash.ts";
import { buildImage } from "./docker.ts";
import { prefix } from "./image-names.ts";
import { REPOSITORY } from "./places.ts";

/** Beside those of its own service. */
const COMMON_SOURCES = [
  "package.json",
  "package-lock.json",
  "Dockerfile",
  ".dockerignore",
  "scripts/build-vision.sh",
  "scripts/shrink-modules.sh",
  "packages/**",
  "services/*/package.json",
];

export type ProductImage = "model-server" | "api" | "operator";

/** The Dockerfile's images. */
export async function buildProduct<Target extends ProductImage>(
  targets: readonly Target[],
  os: string,
  report: Report,
): Promise<Record<Target, string>> {
  const node = await buildNodeImage(os, report);
  const images: Partial<Record<Target, string>> = {};
  for (const target of targets) {
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
  return images as Record<Target, string>;
}

/** See node-image/Dockerfile. */
export async function buildNodeImage(os: string, report: Report): Promise<string> {
  const folder = join(import.meta.dirname, "node-image");
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
