/**
 * A container of the suite: started by Testcontainers as an orchestrator would run it in production, on a
 * read-only file system and without capabilities, with its log in the folder of the run.
 */
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  GenericContainer,
  type StartedNetwork,
  type StartedTestContainer,
  Wait,
} from "testcontainers";
import { LOGS, RUN, RUN_LABEL } from "./places.ts";

/** Of this machine, read-only in the container. */
type Mount = { readonly source: string; readonly target: string };

export type ContainerOptions = {
  /** What the others on the network call it. */
  readonly name: string;
  readonly image: string;
  readonly network: StartedNetwork;
  /** The group of containers it belongs to; part of its log's name. */
  readonly scene: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly mounts?: readonly Mount[];
  /** What it may have of it, without swapping. Default: as much as there is. */
  readonly memoryBytes?: number;
  /** Reachable from this machine; the first one answers `readyPath` with 200 once it is ready. */
  readonly ports: readonly [number, ...number[]];
  /** A path, or what its log says of one that speaks no HTTP. */
  readonly readyPath: string | { readonly says: string };
};

const START_TIMEOUT_MS = 120_000;

class HardenedContainer extends GenericContainer {
  withReadOnlyRoot(): this {
    this.hostConfig.ReadonlyRootfs = true;
    return this;
  }

  withMemory(bytes: number | undefined): this {
    if (bytes === undefined) return this;
    this.hostConfig.Memory = bytes;
    this.hostConfig.MemorySwap = bytes;
    return this;
  }
}

export async function startContainer(options: ContainerOptions): Promise<StartedTestContainer> {
  const { name, image, network, environment = {}, mounts = [], ports, memoryBytes } = options;
  return (
    new HardenedContainer(image)
      .withReadOnlyRoot()
      .withMemory(memoryBytes)
      .withDroppedCapabilities("ALL")
      .withSecurityOpt("no-new-privileges")
      .withTmpFs({ "/tmp": "" })
      .withNetwork(network)
      .withNetworkAliases(name)
      .withHostname(name)
      .withLabels({ [RUN_LABEL]: RUN })
      .withEnvironment({ ...environment })
      .withBindMounts(mounts.map((mount) => ({ ...mount, mode: "ro" })))
      .withExposedPorts(...ports)
      // No registry knows these images.
      .withPullPolicy({ shouldPull: () => false })
      .withLogConsumer((log) => log.pipe(logFile(options)))
      .withStartupTimeout(START_TIMEOUT_MS)
      .withWaitStrategy(readiness(options))
      .start()
  );
}

function readiness({ readyPath, ports }: ContainerOptions) {
  return typeof readyPath === "string"
    ? Wait.forHttp(readyPath, ports[0])
    : Wait.forLogMessage(readyPath.says);
}

/** Of what a container says. */
export function logPath(scene: string, name: string): string {
  return join(LOGS, `${scene}-${name}.log`);
}

function logFile({ scene, name }: ContainerOptions): NodeJS.WritableStream {
  mkdirSync(LOGS, { recursive: true });
  return createWriteStream(logPath(scene, name));
}
