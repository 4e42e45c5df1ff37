/** Takes away what a run that broke off has left: its containers, and the networks they were on. */
import { run } from "../../build/command.ts";
import { RUN, RUN_LABEL } from "./places.ts";

export async function removeLeftovers(): Promise<void> {
  const ours = ["--all", "--quiet", "--filter", `label=${RUN_LABEL}=${RUN}`];
  const containers = lines(await run("docker", ["ps", ...ours]));
  if (containers.length === 0) return;
  const format = "{{range .NetworkSettings.Networks}}{{println .NetworkID}}{{end}}";
  const networks = lines(await run("docker", ["inspect", "--format", format, ...containers]));
  await run("docker", ["rm", "--force", "--volumes", ...containers]);
  await run("docker", ["network", "rm", ...new Set(networks)]);
}

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}
