/** Jaeger all-in-one, compiled from its Go module: OTLP in, traces kept in memory, a query API out. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildContext, once, type Report } from "./build-once.ts";
import { contentHash } from "./content-hash.ts";
import { buildImage } from "./docker.ts";
import { buildProgram } from "./go-program.ts";
import { prefix } from "./image-names.ts";

const JAEGER = {
  module: "jaeger",
  binaries: { jaeger: "github.com/jaegertracing/jaeger/cmd/all-in-one" },
};

export async function buildJaegerImage(report: Report): Promise<string> {
  const { folder: program, hash } = await buildProgram(JAEGER, report);
  const folder = join(import.meta.dirname, "jaeger-image");
  const name = `${prefix}jaeger:${await contentHash(folder, ["**"], [hash])}`;
  await once(name, report, async () => {
    await using context = await BuildContext.of(folder);
    await copyFile(join(program, "jaeger"), context.file("jaeger"));
    await buildImage({ name, context: context.path });
  });
  return name;
}
