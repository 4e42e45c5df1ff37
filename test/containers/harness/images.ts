/**
 * The images that the suite starts: two of the product's, Jaeger compiled from its Go module, and Debian's
 * Prometheus, nginx and Redis. What exists is not built again, so every test file may ask.
 */
import { join } from "node:path";
import { once, type Report } from "../../build/build-once.ts";
import { contentHash } from "../../build/content-hash.ts";
import { buildImage, ensureDocker } from "../../build/docker.ts";
import { prefix } from "../../build/image-names.ts";
import { buildJaegerImage } from "../../build/jaeger-image.ts";
import { buildOsImage } from "../../build/os-image.ts";
import { buildProduct } from "../../build/product-images.ts";
import { SUITE } from "./places.ts";

export type Images = Readonly<
  Record<"model-server" | "api" | "jaeger" | "prometheus" | "nginx" | "valkey", string>
>;

export async function buildImages(report: Report): Promise<Images> {
  await ensureDocker(report);
  const os = await buildOsImage(report);
  return {
    ...(await buildProduct(["model-server", "api"], os, report)),
    jaeger: await buildJaegerImage(report),
    prometheus: await buildFromDebian("prometheus", os, report),
    nginx: await buildFromDebian("nginx", os, report),
    valkey: await buildFromDebian("valkey", os, report),
  };
}

async function buildFromDebian(folder: string, os: string, report: Report): Promise<string> {
  const context = join(SUITE, "images", folder);
  const name = `${prefix}${folder}:${await contentHash(context, ["**"], [os])}`;
  await once(name, report, () => buildImage({ name, context, args: { OS_IMAGE: os } }));
  return name;
}
