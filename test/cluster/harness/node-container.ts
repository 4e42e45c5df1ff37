/**
 * One Kubernetes node as a container, started by Testcontainers.
 *
 * Not `privileged`, which some machines cannot grant: all capabilities but one, a writable cgroup tree and
 * any device suffice. What a node is told and does is in ../images/kubernetes-node/start-node.sh.
 */
import {
  GenericContainer,
  type StartedNetwork,
  type StartedTestContainer,
  Wait,
} from "testcontainers";

type NodeOptions = {
  readonly image: string;
  readonly name: string;
  readonly network: StartedNetwork;
  /** Shared by all nodes and the harness: certificates and keys. */
  readonly pkiFolder: string;
  /** The control plane's node; absent for that node itself. */
  readonly server?: string;
};

const START_TIMEOUT_MS = 180_000;

class NodeContainer extends GenericContainer {
  /** Any device, and /proc and /sys as they are: what Testcontainers has no words for. */
  withWholeMachine(): this {
    this.hostConfig.DeviceCgroupRules = ["a *:* rwm"];
    this.hostConfig.MaskedPaths = [];
    this.hostConfig.ReadonlyPaths = [];
    return this;
  }
}

export async function startNode(options: NodeOptions): Promise<StartedTestContainer> {
  const { image, name, network, pkiFolder, server } = options;
  return new NodeContainer(image)
    .withWholeMachine()
    .withName(name)
    .withHostname(name)
    .withNetwork(network)
    .withEnvironment({ ROLE: server === undefined ? "server" : "agent", SERVER: server ?? "" })
    .withAddedCapabilities("ALL")
    .withDroppedCapabilities("SYS_RESOURCE")
    .withSecurityOpt("seccomp=unconfined", "apparmor=unconfined")
    .withTmpFs({ "/run": "exec", "/tmp": "exec" })
    .withBindMounts([
      { source: "/sys/fs/cgroup", target: "/sys/fs/cgroup", mode: "rw" },
      { source: pkiFolder, target: "/pki", mode: "rw" },
    ])
    .withPullPolicy({ shouldPull: () => false })
    .withStartupTimeout(START_TIMEOUT_MS)
    .withWaitStrategy(Wait.forLogMessage(`node ${name} is ready`))
    .start();
}
