/**
 * Who may make room for a server whose device others hold: pure.
 *
 * Only what sleeps while its pod stays, is on the same node, has memory of a device, and is not used from here; of those the
 * one that has not been asked for the longest. Its server does not do it under a request of anybody else.
 */
import type { ModelDemand } from "@localmodel/localmodel/contracts/demand.ts";
import type { Directory } from "@localmodel/localmodel/contracts/directory.ts";
import type { ResidenceOf } from "./server-residence.ts";

/** `server`: the LocalModel. */
export type Server = { readonly url: string; readonly server: string };

type Surroundings = {
  readonly directory: Directory;
  /** Of those that have been asked for here. */
  readonly demand: readonly ModelDemand[];
  readonly residenceOf: ResidenceOf;
  /** URLs of those that have been asked to already. */
  readonly asked: ReadonlySet<string>;
};

/** Undefined also for a server that lacks nothing. */
export function neighbourOf(
  { url: lacking, server: own }: Server,
  { directory, demand, residenceOf, asked }: Surroundings,
): Server | undefined {
  const lack = residenceOf(lacking);
  if (lack?.state !== "asleep" || lack.reason !== "VramTooSmall") return undefined;
  const demands = new Map(demand.map((one) => [`${one.namespace}/${one.name}`, one]));
  const node = directory.models.find(({ server }) => server === own)?.nodes?.[lacking];
  if (node === undefined) return undefined;
  const candidates = directory.models.flatMap(({ server, endpoints, nodes = {} }) => {
    if (server === undefined || server === own) return [];
    const { inFlight = 0, queued = 0, lastAskedAtMs = 0 } = demands.get(server) ?? {};
    if (inFlight + queued > 0) return [];
    return endpoints
      .filter((url) => nodes[url] === node && !asked.has(url) && isOnDevice(url, residenceOf))
      .map((url) => ({ url, server, lastAskedAtMs }));
  });
  const [first] = candidates.toSorted((a, b) => a.lastAskedAtMs - b.lastAskedAtMs);
  return first && { url: first.url, server: first.server };
}

function isOnDevice(url: string, residenceOf: ResidenceOf): boolean {
  const residence = residenceOf(url);
  return residence?.state === "awake" && (residence.deviceBytes ?? 0) > 0;
}
