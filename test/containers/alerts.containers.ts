/**
 * The chart's alerts, as Prometheus' own tool judges them: rendered by Helm, tried on series that are made up.
 */
import assert from "node:assert/strict";
import { chmod, copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { HELM } from "../build/binaries.ts";
import { run } from "../build/command.ts";
import { buildProgram } from "../build/go-program.ts";
import { CHART, helmIn } from "../support/helm.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";
import { buildImages } from "./harness/images.ts";
import { SUITE } from "./harness/places.ts";

const Rule = z.object({ spec: z.object({ groups: z.array(z.unknown()) }) });
const report = (line: string): void => console.error(line);

suite("the alerts of the chart", () => {
  let image: string;
  let helm: string;

  before(async () => {
    image = (await buildImages(report)).prometheus;
    const { folder } = await buildProgram(HELM, report);
    helm = join(folder, "helm");
  });

  test("fire when they should, and at no other time", async () => {
    await using folder = await TemporaryFolder.create();
    await chmod(folder.path, 0o755);
    const args = ["template", "localmodel", CHART, "--set", "metrics.prometheusRule.enabled=true"];
    const only = ["--show-only", "templates/alerts.yaml"];
    const rendered = await helmIn(folder, "", helm)(...args, ...only);
    const { spec } = Rule.parse(parse(rendered));
    await writeFile(folder.file("rules.yaml"), stringify(spec));
    await copyFile(join(SUITE, "alerts.promtool.yaml"), folder.file("tests.yaml"));
    const mounts = ["--volume", `${folder.path}:/alerts:ro`, "--workdir", "/alerts"];
    const promtool = ["run", "--rm", ...mounts, "--entrypoint", "promtool", image];
    await run("docker", [...promtool, "check", "rules", "rules.yaml"]);
    assert.match(await run("docker", [...promtool, "test", "rules", "tests.yaml"]), /SUCCESS/);
  });
});
