/**
 * Which pods to ask what, and how soon again.
 *
 * Kubernetes tells when something has happened. How far a download or a load has come it does not know, and
 * what the weights turned out to be only the server can say; so pods in those phases are asked, and no others.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import {
  FETCH_CONTAINER,
  FETCH_PORT,
  INSPECT_CONTAINER,
  SERVER_CONTAINER,
  SERVER_PORT,
} from "@localmodel/localmodel/cluster/pod-layout.ts";
import { urlHost } from "@localmodel/service/http/url-host.ts";
import { isEnding, isReady } from "../status/pod-problem.ts";
import { serves } from "../status/situation.ts";

export type Question = {
  readonly podName: string;
  readonly url: string;
  readonly asks: "fetch" | "server";
  readonly againInMs: number;
};

/** Pods that load do so alike; a few of them tell enough. */
const PODS_MAX = 8;
const LOADING_MS = 1000;
const FETCHING_MS = 2000;
/** For a server that could not be asked what it has loaded. */
const FACTS_MS = 30_000;

/** Pods that are on their way to serve, and the inspect pod. */
export function progressQuestions(pods: readonly Pod[]): readonly Question[] {
  return pods
    .filter((pod) => !isEnding(pod) && !serves(pod))
    .slice(0, PODS_MAX)
    .flatMap((pod) => progressQuestion(pod) ?? []);
}

/** Asked once, of one pod. */
export function factsQuestion(pods: readonly Pod[]): readonly Question[] {
  return pods
    .filter(isReady)
    .slice(0, 1)
    .flatMap((pod) => serverQuestion(pod, FACTS_MS) ?? []);
}

function progressQuestion(pod: Pod): Question | undefined {
  if (isRunning(pod, SERVER_CONTAINER)) return serverQuestion(pod, LOADING_MS);
  if (!isRunning(pod, FETCH_CONTAINER) && !isRunning(pod, INSPECT_CONTAINER)) return undefined;
  return question(pod, {
    port: FETCH_PORT,
    path: "/progress",
    asks: "fetch",
    againInMs: FETCHING_MS,
  });
}

function serverQuestion(pod: Pod, againInMs: number): Question | undefined {
  return question(pod, { port: SERVER_PORT, path: "/readyz", asks: "server", againInMs });
}

type Way = Pick<Question, "asks" | "againInMs"> & { readonly port: number; readonly path: string };

function question(pod: Pod, { port, path, ...rest }: Way): Question | undefined {
  const ip = pod.status?.podIP;
  if (ip === undefined || ip === "") return undefined;
  return { podName: pod.metadata.name, url: `http://${urlHost(ip)}:${port}${path}`, ...rest };
}

function isRunning({ status }: Pod, container: string): boolean {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return statuses.some(({ name, state }) => name === container && state?.running !== undefined);
}
