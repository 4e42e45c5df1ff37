/**
 * Docker, as its command line has it: the daemon, and images named after what they are made of.
 *
 * Machines that run the suite often have Docker's programs but nobody who has started the daemon; then the
 * harness does, and leaves it running.
 */
import { spawn } from "node:child_process";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import { eventually } from "../support/eventually.ts";
import { CACHE } from "./places.ts";

const BUILD_TIMEOUT_MS = 20 * 60_000;

export async function ensureDocker(report: (line: string) => void): Promise<void> {
  if (await answers()) return;
  report("starting dockerd");
  await mkdir(CACHE, { recursive: true });
  const log = await open(join(CACHE, "dockerd.log"), "a");
  const child = spawn("dockerd", [], { detached: true, stdio: ["ignore", log.fd, log.fd] });
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  child.unref();
  const ready = eventually("dockerd to answer", () => run("docker", ["info"]));
  await Promise.race([ready, failed]);
  await log.close();
}

async function answers(): Promise<boolean> {
  return run("docker", ["info"]).then(
    () => true,
    () => false,
  );
}

export async function hasImage(name: string): Promise<boolean> {
  return run("docker", ["image", "inspect", name]).then(
    () => true,
    () => false,
  );
}

type ImageBuild = {
  readonly name: string;
  /** The folder that COPY sees. */
  readonly context: string;
  /** Default: the context's own. */
  readonly dockerfile?: string;
  readonly target?: string;
  readonly args?: Readonly<Record<string, string>>;
};

export async function buildImage(build: ImageBuild): Promise<void> {
  const { name, context, dockerfile = join(context, "Dockerfile"), target, args = {} } = build;
  const flags = Object.entries(args).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
  await run(
    "docker",
    [
      "build",
      "--quiet",
      "--network=host",
      "--tag",
      name,
      "--file",
      dockerfile,
      ...(target === undefined ? [] : ["--target", target]),
      ...flags,
      context,
    ],
    // The classic builder is what every Debian has.
    { timeoutMs: BUILD_TIMEOUT_MS, env: { DOCKER_BUILDKIT: "0" } },
  );
}
