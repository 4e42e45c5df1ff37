/**
 * A small Debian as an image, from the package mirror that this machine's apt is configured for.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./command.ts";
import { contentHash } from "./content-hash.ts";
import { hasImage } from "./docker.ts";
import { prefix } from "./image-names.ts";
import { REPOSITORY } from "./places.ts";
import { tarOf } from "./tar.ts";

const DEBIAN = "bookworm";
/** What a Kubernetes node needs beside its own programs, and Node's C++ library. */
const PACKAGES = [
  "ca-certificates",
  "conntrack",
  "iproute2",
  "iptables",
  "kmod",
  "libseccomp2",
  "libstdc++6",
  "mount",
  "openssl",
  "procps",
];
const TIMEOUT_MS = 10 * 60_000;

export async function buildOsImage(report: (line: string) => void): Promise<string> {
  const hash = await contentHash(REPOSITORY, [], [DEBIAN, ...PACKAGES]);
  const name = `${prefix}os:${hash}`;
  if (await hasImage(name)) return name;
  report(`building ${name}`);
  const folder = await mkdtemp(join(tmpdir(), "localmodel-os-"));
  try {
    const include = `--include=${PACKAGES.join(",")}`;
    const flags = ["--variant=minbase", include, DEBIAN, folder, ...(await mirror())];
    await run("debootstrap", flags, { timeoutMs: TIMEOUT_MS });
    // Packages and lists that apt would fetch again, and what nobody reads.
    const waste = ["var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man"];
    await Promise.all(waste.map((it) => rm(join(folder, it), { recursive: true, force: true })));
    await run("docker", ["import", "-", name], {
      input: tarOf(folder, "."),
      timeoutMs: TIMEOUT_MS,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return name;
}

/** None where apt says nothing of this release: then debootstrap's own default. */
async function mirror(): Promise<readonly string[]> {
  const query = ["indextargets", "--format", "$(REPO_URI)", `Codename: ${DEBIAN}`];
  const [first] = (await run("apt-get", query).catch(() => "")).split("\n");
  return first === undefined || first === "" ? [] : [first];
}
