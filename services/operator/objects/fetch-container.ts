/** The container that brings the weights, before the server of the same pod starts. */
import {
  FETCH_CONFIG_VARIABLE,
  type FetchConfigInput,
} from "@localmodel/localmodel/contracts/fetch-config.ts";
import {
  CACHE_FOLDER,
  FETCH_ARGS,
  FETCH_CONTAINER,
  FETCH_PORT,
  PINNED_FILES_PATH,
  TERMINATION_LOG_PATH,
} from "@localmodel/localmodel/cluster/pod-layout.ts";
import type { Model } from "../model/model.ts";
import type { Platform } from "../model/platform.ts";
import { fetchedFile, filesOf } from "./files.ts";
import { imageFields, serverImage } from "./image.ts";
import { fetchResources } from "./resources.ts";
import { containerSecurity } from "./security.ts";
import { CA_BUNDLE_PATH, type Volumes } from "./volumes.ts";

/** Where Node programs write what they keep between starts. */
export const HOME_VARIABLE = { name: "HOME", value: "/tmp" };

export function fetchContainer(model: Model, platform: Platform, { fetchMounts }: Volumes) {
  return {
    name: FETCH_CONTAINER,
    args: FETCH_ARGS,
    ...fetching(model, platform, serverImage(model, platform)),
    resources: fetchResources(model),
    volumeMounts: fetchMounts,
  };
}

export function fetchConfig(
  model: Model,
  { sourceHosts }: Pick<Platform, "sourceHosts">,
  files = filesOf(model),
): FetchConfigInput {
  return {
    files: files.map(fetchedFile),
    cacheFolder: CACHE_FOLDER,
    // Whoever can mount a claim can write to it, with this pod's own user.
    cacheIsShared: model.spec.cache !== undefined,
    ...(sourceHosts !== undefined && { sourceHosts: [...sourceHosts] }),
    pinnedFilesPath: PINNED_FILES_PATH,
    port: FETCH_PORT,
  };
}

/** What fetching and inspecting have in common. */
export function fetching(model: Model, platform: Platform, image: string, files = filesOf(model)) {
  const config = fetchConfig(model, platform, files);
  return {
    ...imageFields(image, platform),
    env: [
      { name: FETCH_CONFIG_VARIABLE, value: JSON.stringify(config) },
      HOME_VARIABLE,
      ...wayVariables(platform),
    ],
    ports: [{ name: "progress", containerPort: FETCH_PORT, protocol: "TCP" }],
    securityContext: containerSecurity,
    ...lastWords,
  };
}

/** How sources are reached: what the platform says, because a proxy of the author's would see their Secrets. */
function wayVariables({ fetch: { environment, caBundle } }: Platform) {
  return [...variablesOf(environment), ...trustVariables(caBundle)];
}

export function variablesOf(environment: Readonly<Record<string, string>>) {
  return Object.entries(environment)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value }));
}

export function trustVariables(caBundle: object | undefined) {
  return caBundle === undefined ? [] : [{ name: "NODE_EXTRA_CA_CERTS", value: CA_BUNDLE_PATH }];
}

/** A container that dies without a word is told of by the end of its log. */
export const lastWords = {
  terminationMessagePath: TERMINATION_LOG_PATH,
  terminationMessagePolicy: "FallbackToLogsOnError",
} as const;
