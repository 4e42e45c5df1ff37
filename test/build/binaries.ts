/**
 * Kubernetes and what belongs to it, compiled from Go modules: a module proxy is reachable where an image
 * registry is not.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import { contentHash } from "./content-hash.ts";
import { buildProgram, type Program } from "./go-program.ts";
import { CACHE, REPOSITORY } from "./places.ts";

const KUBERNETES_VERSION = "v1.36.4";
const HELM_VERSION = "v4.2.4";

const COMPONENT = "k8s.io/component-base/version";
const CONTAINERD = "github.com/containerd/containerd/v2/cmd";
const CNI = "github.com/containernetworking/plugins/plugins";

export const HELM: Program = {
  module: "helm",
  binaries: { helm: "helm.sh/helm/v4/cmd/helm" },
  variables: { "helm.sh/helm/v4/internal/version.version": HELM_VERSION },
};

const KUBERNETES: Program = {
  module: "kubernetes",
  binaries: Object.fromEntries(
    [
      "kube-apiserver",
      "kube-controller-manager",
      "kube-proxy",
      "kube-scheduler",
      "kubectl",
      "kubelet",
    ].map((name) => [name, `k8s.io/kubernetes/cmd/${name}`]),
  ),
  variables: {
    [`${COMPONENT}.gitVersion`]: KUBERNETES_VERSION,
    [`${COMPONENT}.gitMajor`]: "1",
    [`${COMPONENT}.gitMinor`]: KUBERNETES_VERSION.split(".")[1] ?? "",
    [`${COMPONENT}.gitTreeState`]: "clean",
  },
};

/** What answers as a cluster, without a node. */
export const CONTROL_PLANE: readonly Program[] = [
  KUBERNETES,
  { module: "etcd", binaries: { etcd: "go.etcd.io/etcd/server/v3" } },
  HELM,
];

/** What runs pods. */
export const CLUSTER: readonly Program[] = [
  ...CONTROL_PLANE,
  {
    module: "containerd",
    binaries: {
      containerd: `${CONTAINERD}/containerd`,
      "containerd-shim-runc-v2": `${CONTAINERD}/containerd-shim-runc-v2`,
      ctr: `${CONTAINERD}/ctr`,
    },
  },
  {
    module: "cni",
    binaries: {
      "cni/bridge": `${CNI}/main/bridge`,
      "cni/host-local": `${CNI}/ipam/host-local`,
      "cni/loopback": `${CNI}/main/loopback`,
      "cni/portmap": `${CNI}/meta/portmap`,
    },
  },
  {
    module: "runc",
    binaries: { runc: "github.com/opencontainers/runc" },
    tags: "seccomp",
    isC: true,
  },
  { module: "coredns", binaries: { coredns: "." } },
  { module: "pause", binaries: { pause: "." } },
];

/** What some suites need and no cluster does: compiled when they run. */
const TOOLS = {
  helm3: {
    module: "helm3",
    binaries: { helm: "helm.sh/helm/v3/cmd/helm" },
    // As its releases are built: without a cluster it takes this version of Kubernetes.
    variables: {
      "helm.sh/helm/v3/internal/version.version": "v3.22.0",
      ...Object.fromEntries(
        ["lint/rules", "chartutil"].flatMap((name) => [
          [`helm.sh/helm/v3/pkg/${name}.k8sVersionMajor`, "1"],
          [`helm.sh/helm/v3/pkg/${name}.k8sVersionMinor`, KUBERNETES_VERSION.split(".")[1] ?? ""],
        ]),
      ),
    },
  },
  actionlint: {
    module: "actionlint",
    binaries: { actionlint: "github.com/rhysd/actionlint/cmd/actionlint" },
  },
  ollama: {
    module: "ollama",
    binaries: { ollama: "." },
    variables: { "github.com/ollama/ollama/version.Version": "0.17.4" },
    // The server and its engine: of what they are made of in C++, the Go module has not everything.
    edited: {
      module: "github.com/ollama/ollama",
      without: ["server", "runner", "x/imagegen/server.go"],
    },
  },
  "openai-go": { module: "openai-go", binaries: { "openai-go": "." } },
  "status-readers": { module: "status-readers", binaries: { "status-readers": "." } },
} satisfies Readonly<Record<string, Program>>;

export type Binaries = {
  /** Paths by name, such as `kubectl` or `cni/bridge`. */
  readonly paths: ReadonlyMap<string, string>;
  readonly hash: string;
};

export async function buildBinaries(
  programs: readonly Program[],
  report: (line: string) => void,
): Promise<Binaries> {
  const paths = new Map<string, string>();
  const hashes: string[] = [];
  // One after the other: Go uses all cores for each.
  for (const program of programs) {
    const { folder, hash } = await buildProgram(program, report);
    hashes.push(hash);
    for (const name of Object.keys(program.binaries)) paths.set(name, join(folder, name));
  }
  return { paths, hash: await contentHash(REPOSITORY, [], hashes) };
}

/** A folder with links to the control plane's programs and kubectl: etcd is built apart, and whoever starts them wants one place. */
export async function controlPlaneFolder({ paths, hash }: Binaries): Promise<string> {
  const folder = join(CACHE, "binaries", `control-plane-${hash}`);
  await mkdir(folder, { recursive: true });
  for (const name of [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubectl",
  ])
    await run("ln", ["-sf", paths.get(name) ?? "", join(folder, name)]);
  return folder;
}

/** The path of its program. */
export async function buildTool(
  name: keyof typeof TOOLS,
  report: (line: string) => void,
): Promise<string> {
  const { folder } = await buildProgram(TOOLS[name], report);
  return join(folder, Object.keys(TOOLS[name].binaries)[0] ?? "");
}
