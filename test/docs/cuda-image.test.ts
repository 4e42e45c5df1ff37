/** The CUDA image is built in one way: the engine's libraries are in no image but that of CUDA's runtime. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { REPOSITORY } from "../support/documented-commands.ts";

type Workflow = {
  readonly jobs: {
    readonly images: {
      readonly strategy: { readonly matrix: { readonly include: readonly Image[] } };
    };
  };
};
type Image = { readonly variant?: string; readonly runtime?: string };

const textOf = (path: string) => readFile(join(REPOSITORY, path), "utf8");

test("the CUDA image of docs/docker.md starts from what that of a release starts from", async () => {
  const { jobs } = parse(await textOf(".github/workflows/release.yml")) as Workflow;
  const released = jobs.images.strategy.matrix.include.find(({ variant }) => variant === "cuda");
  assert.ok(released?.runtime);
  const documented = /VARIANT=cuda --build-arg RUNTIME_IMAGE=([^\s`]+)/.exec(
    await textOf("docs/docker.md"),
  );
  assert.equal(documented?.[1], released.runtime);
});

test("whoever installs the chart is told the drivers that docs/gpu.md tells", async () => {
  const notes = await textOf("charts/localmodel/templates/NOTES.txt");
  const rows = (await textOf("docs/gpu.md")).matchAll(
    /^\| (.*?) +\| [\d.; ]+ \| (\d{3}) or newer +\|$/gm,
  );
  const [newer, floor] = [...rows].toReversed();
  assert.ok(newer?.[1] && floor?.[2]);
  assert.ok(notes.includes(`driver ${floor[2]} or newer`));
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
