/**
 * The images that the suite starts: two of the product's, Jaeger compiled from its Go module, and Debian's
 * Prometheus and nginx. What exists is not built again, so every test file may ask.
 */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildContext, once, type Report } from "../../build/build-once.ts";
import { contentHash } from "../../build/content-hash.ts";
import { buildImage, ensureDocker } from "../../build/docker.ts";
import { buildProgram } from "../../build/go-program.ts";
import { prefix } from "../../build/image-names.ts";
import { buildOsImage } from "../../build/os-image.ts";
import { buildProduct } from "../../build/product-images.ts";
import { SUITE } from "./places.ts";

export type Images = Readonly<
  Record<"model-server" | "api" | "jaeger" | "prometheus" | "nginx", string>
>;

const JAEGER = {
  module: "jaeger",
  binaries: { jaeger: "github.com/jaegertracing/jaeger/cmd/all-in-one" },
};

export async function buildImages(report: Report): Promise<Images> {
  await ensureDocker(report);
  const os = await buildOsImage(report);
  return {
    ...(await buildProduct(["model-server", "api"], os, report)),
    jaeger: await buildJaeger(report),
    prometheus: await buildFromDebian("prometheus", os, report),
    nginx: await buildFromDebian("nginx", os, report),
  };
}

async function buildJaeger(report: Report): Promise<string> {
  const { folder: program, hash } = await buildProgram(JAEGER, report);
  const folder = join(SUITE, "images/jaeger");
  const name = `${prefix}jaeger:${await contentHash(folder, ["**"], [hash])}`;
  await once(name, report, async () => {
    await using context = await BuildContext.of(folder);
    await copyFile(join(program, "jaeger"), context.file("jaeger"));
    await buildImage({ name, context: context.path });
  });
  return name;
}

async function buildFromDebian(folder: string, os: string, report: Report): Promise<string> {
  const context = join(SUITE, "images", folder);
  const name = `${prefix}${folder}:${await contentHash(context, ["**"], [os])}`;
  await once(name, report, () => buildImage({ name, context, args: { OS_IMAGE: os } }));
  return name;
}
