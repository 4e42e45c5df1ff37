/**
 * A LocalModel as programs read it that know nothing of its kind: kstatus, by which Flux and Helm wait, and Argo CD, by the
 * script of docs/install.md. Both are run here as they are; the test plays scheduler and kubelet.
 */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { join } from "node:path";
import { parse } from "yaml";
import { http } from "../../services/operator/fixtures/models.ts";
import { buildTool } from "../build/binaries.ts";
import { run } from "../build/command.ts";
import { REPOSITORY } from "../build/places.ts";
import { OperatorCluster } from "../support/operator-cluster.ts";
import { TemporaryFolder } from "../support/temporary-folder.ts";

const source = { http };
const resources = { requests: { memory: "1Gi", "ephemeral-storage": "1Gi" } };
const HEALTH = "resource.customizations.health.localmodel.dev_LocalModel";

async function healthScript(): Promise<string> {
  const page = await readFile(join(REPOSITORY, "docs/install.md"), "utf8");
  const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
  const block = blocks.find((text) => text.includes(HEALTH));
  const { data } = parse(block ?? "") as { data: Record<string, string> };
  return data[HEALTH] ?? "";
}

suite("a LocalModel read by others", () => {
  let cluster: OperatorCluster;
  let folder: TemporaryFolder;
  let program: string;

  before(async () => {
    folder = await TemporaryFolder.create();
    program = await buildTool("status-readers", (line) => console.error(line));
    await writeFile(folder.file("health.lua"), await healthScript());
    cluster = await OperatorCluster.start();
  });

  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  /** What kstatus says, and what Argo CD does. */
  const readings = async (name: string): Promise<string> => {
    const input = JSON.stringify([await cluster.model(name)]);
    const printed = await run(program, [folder.file("health.lua")], { input });
    const [read] = JSON.parse(printed) as readonly { kstatus: string; argo: string }[];
    return `${read?.kstatus} ${read?.argo}`;
  };

  test("is on its way before the operator has seen it, and after a change that it has not seen", async () => {
    await cluster.apply("seen", { source, resources });
    assert.equal(await readings("seen"), "InProgress Progressing");
    {
      await using _operator = await cluster.startOperator();
      const [pod] = await cluster.podsWhen("seen", 1);
      assert.ok(pod);
      await cluster.until("seen", "Ready", "False Scheduling");
      assert.equal(await readings("seen"), "InProgress Progressing");
      await cluster.serve(pod);
      await cluster.until("seen", "Ready", "True Ready");
      assert.equal(await readings("seen"), "Current Healthy");
    }
    await cluster.apply("seen", { source, resources, aliases: ["other"] });
    assert.equal(await readings("seen"), "InProgress Progressing");
  });

  test("has failed as soon as it waits for a person, and no longer when that is mended", async () => {
    await using _operator = await cluster.startOperator();
    await cluster.apply("stuck", { source, resources, className: "nowhere" });
    await cluster.until("stuck", "Ready", "False ClassMissing");
    assert.equal(await readings("stuck"), "Failed Degraded");
    await cluster.apply("stuck", { source, resources });
    await cluster.until("stuck", "Ready", "False Scheduling");
    assert.equal(await readings("stuck"), "InProgress Progressing");
  });

  test("that is suspended is so to Argo CD, and on its way to kstatus, which knows no such word", async () => {
    await using _operator = await cluster.startOperator();
    await cluster.apply("suspended", { source, resources, replicas: 0 });
    await cluster.until("suspended", "Ready", "False Suspended");
    assert.equal(await readings("suspended"), "InProgress Suspended");
  });
});
