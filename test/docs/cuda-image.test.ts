/** The CUDA images are built in one way: the engine's libraries are in no image but that of CUDA's runtime. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { OperatorConfig } from "@localmodel/localmodel/contracts/operator-config.ts";
import { REPOSITORY } from "../support/documented-commands.ts";

type Workflow = {
  readonly jobs: {
    readonly images: {
      readonly strategy: { readonly matrix: { readonly include: readonly Image[] } };
    };
  };
};
type Image = { readonly image: string; readonly variant?: string; readonly runtime?: string };

const textOf = (path: string) => readFile(join(REPOSITORY, path), "utf8");

async function releasedImages(): Promise<readonly Image[]> {
  const { jobs } = parse(await textOf(".github/workflows/release.yml")) as Workflow;
  return jobs.images.strategy.matrix.include.filter(({ variant }) => variant === "cuda");
}

test("the CUDA images of docs/docker.md start from what those of a release start from", async () => {
  const released = await releasedImages();
  const documented = [
    ...(await textOf("docs/docker.md")).matchAll(/`[^`]*RUNTIME_IMAGE=(nvidia[^\s`]+)`/g),
  ].map(([, image]) => image);
  assert.deepEqual(
    documented,
    released.map(({ runtime }) => runtime),
  );
});

test("a release has each CUDA image that the chart names", async () => {
  const names = (await releasedImages()).map(({ image }) => image);
  const { modelServer } = parse(await textOf("charts/localmodel/values.yaml")) as {
    readonly modelServer: { readonly images: Readonly<Record<string, { repository: string }>> };
  };
  const { cuda, cuda12 } = modelServer.images;
  assert.deepEqual([cuda?.repository, cuda12?.repository], names);
});

test("whoever installs the chart is told the drivers that docs/gpu.md tells, and that the operator goes by", async () => {
  const notes = await textOf("charts/localmodel/templates/NOTES.txt");
  const rows = (await textOf("docs/gpu.md")).matchAll(
    /^\| (.*?) +\| [\d.; ]+ \| (\d{3}) or newer +\| (\d{3}) or newer +\|$/gm,
  );
  const [newer, floor] = [...rows].toReversed();
  assert.ok(newer?.[1] && floor?.[2]);
  const { leastCudaDriver, leastCuda12Driver, cudaDevices } = OperatorConfig.parse({
    images: { cpu: "cpu" },
  });
  assert.deepEqual([floor[2], floor[3]], [String(leastCudaDriver), String(leastCuda12Driver)]);
  assert.equal(newer[2], String(cudaDevices.cuda.otherwiseDriver));
  assert.ok(notes.includes(`leastCudaDriver | default ${floor[2]}`));
  assert.ok(notes.includes(`leastCuda12Driver | default ${floor[3]}`));
  const devices = newer[1].split(/[,;] /);
  assert.ok(devices.length > 3);
  for (const device of devices) assert.ok(notes.includes(device), device);
  assert.ok(notes.includes(`${newer[2]} or newer with ${devices[0]}`));
});

test("the CUDA library that is built is for every device of docs/gpu.md, and for the CUDA of its image", async () => {
  const docker = await textOf("docs/docker.md");
  const named = /"CUDA_CAPABILITIES=([\d ]+)"/.exec(docker)?.[1]?.split(" ") ?? [];
  const rows = (await textOf("docs/gpu.md")).matchAll(/^\| .*? +\| ([\d.; ]+) \| \d{3} or newer/gm);
  const wanted = [...rows].flatMap(([, capabilities = ""]) =>
    capabilities.split(";").map((one) => one.trim().replace(".", "")),
  );
  assert.ok(wanted.length > 4);
  for (const one of wanted) assert.ok(named.includes(one), one);
  const build = /CUDA_BUILD_IMAGE=(\S+)/.exec(docker)?.[1];
  const runtime = /RUNTIME_IMAGE=(nvidia\S+) \\/.exec(docker)?.[1];
  assert.equal(build?.replace("-devel-", "-runtime-"), runtime);
});
