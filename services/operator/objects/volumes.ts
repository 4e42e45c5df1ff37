/**
 * Volumes of a model's pod and where its containers mount them.
 *
 * Two roles: the fetcher writes the cache and the links and alone sees Secrets; the server only reads, but for
 * beginnings of conversations that are to outlive it. A
 * claim or image that several sources name is one volume, mounted several times: the kubelet never gets a
 * pod with two volumes of one claim running.
 */
import {
  CACHE_FOLDER,
  COMPILED_FOLDER,
  MODEL_FOLDER,
  PROMPTS_FOLDER,
  secretFolder,
  volumeFolder,
} from "@localmodel/localmodel/cluster/pod-layout.ts";
import type { SingleSource } from "@localmodel/localmodel/resource/source-spec.ts";
import { COMPILED_LIMIT, type CompiledCode } from "./compiled-code.ts";
import { type Candidate, candidatesOf, type ModelFile } from "./files.ts";

type Mount = {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
  readonly subPath?: string;
};
type Volume = { readonly name: string } & Readonly<Record<string, unknown>>;

export type Volumes = {
  readonly volumes: readonly Volume[];
  readonly fetchMounts: readonly Mount[];
  readonly serverMounts: readonly Mount[];
};

/** Readable by the pods' group, which fsGroup makes theirs. */
const SECRET_MODE = 0o440;
/** Links, and what says which files are pinned. */
const LINKS_LIMIT = "16Mi";
/** Compiled code: Node's, and that of GPU kernels other than NVIDIA's. */
const TEMPORARY_LIMIT = "4Gi";
const TEMPORARY = { name: "tmp", mountPath: "/tmp" };

type Cache = {
  /** The claim it is on; without one it goes with the pod. */
  readonly claim?: string | undefined;
  /** What it may grow to where it goes with the pod; absent where nobody knows how big the files are. */
  readonly limit?: string;
  /** Whether the server trusts them as well. */
  readonly isForServer?: boolean | undefined;
  /** Certificate authorities that the fetcher trusts besides those it knows. */
  readonly caBundle?: { readonly configMap: string; readonly key: string } | undefined;
  /** Where beginnings of conversations are kept; without a claim they go with the pod. */
  readonly prompts?: { readonly claimName?: string; readonly maxMiB: number } | undefined;
  /** Where compiled code is kept; absent where nobody compiles any. */
  readonly compiled?: CompiledCode | undefined;
};

/** Beside what is kept: the file that is being written. A pod that takes more than its limit is evicted. */
const PROMPTS_MARGIN_MIB = 4096;

/** Of this module, with those that follow from sources. */
export const OWN_VOLUME =
  /^(model|tmp|cache|prompts|compiled|ca-bundle|(claim|image)-\d+|secret-.*)$/;
export const SECRET_VOLUME = /^secret-/;

export const CA_FOLDER = "/etc/localmodel/ca";
const CA_FILE = "ca.crt";
export const CA_BUNDLE_PATH = `${CA_FOLDER}/${CA_FILE}`;

export function volumesOf(files: readonly ModelFile[], cache: Cache = {}): Volumes {
  const { claim: cacheClaim, limit } = cache;
  const authorities = caVolume(cache);
  const candidates = candidatesOf(files);
  const secrets = candidates.flatMap(secretVolume);
  const written = [cacheClaim, cache.prompts?.claimName].filter((name) => name !== undefined);
  const shared = sharedVolumes(candidates, written);
  const prompts = promptsVolume(cache.prompts, shared.claimVolume);
  const compiled = compiledVolume(cache.compiled, shared.claimVolume);
  const cacheName = cacheClaim === undefined ? "cache" : shared.claimVolume(cacheClaim);
  return {
    volumes: [
      { name: "model", emptyDir: { sizeLimit: LINKS_LIMIT } },
      { name: "tmp", emptyDir: { sizeLimit: TEMPORARY_LIMIT } },
      ...(cacheClaim === undefined
        ? [{ name: "cache", emptyDir: { ...(limit !== undefined && { sizeLimit: limit }) } }]
        : []),
      ...prompts.volumes,
      ...compiled.volumes,
      ...shared.volumes,
      ...secrets.map(({ volume }) => volume),
      ...authorities.map(({ volume }) => volume),
    ],
    fetchMounts: [
      { name: "model", mountPath: MODEL_FOLDER },
      { name: cacheName, mountPath: CACHE_FOLDER },
      TEMPORARY,
      ...shared.mounts,
      ...secrets.map(({ mount }) => mount),
      ...authorities.map(({ mount }) => mount),
    ],
    serverMounts: [
      { name: "model", mountPath: MODEL_FOLDER, readOnly: true },
      { name: cacheName, mountPath: CACHE_FOLDER, readOnly: true },
      TEMPORARY,
      ...prompts.mounts,
      ...compiled.mounts,
      ...shared.mounts,
      ...(cache.isForServer === true ? authorities.map(({ mount }) => mount) : []),
    ],
  };
}

/** A namespace without the ConfigMap does with the authorities that everybody knows. */
function caVolume({ caBundle }: Cache) {
  if (caBundle === undefined) return [];
  const { configMap: name, key } = caBundle;
  const configMap = { name, items: [{ key, path: CA_FILE }], optional: true };
  return [
    {
      volume: { name: "ca-bundle", configMap },
      mount: { name: "ca-bundle", mountPath: CA_FOLDER, readOnly: true },
    },
  ];
}

/** Where nothing is kept there is none. */
function promptsVolume(prompts: Cache["prompts"], claimVolume: (claimName: string) => string) {
  if (prompts === undefined) return { volumes: [], mounts: [] };
  const { claimName, maxMiB } = prompts;
  const name = claimName === undefined ? "prompts" : claimVolume(claimName);
  const emptyDir = { sizeLimit: `${maxMiB + PROMPTS_MARGIN_MIB}Mi` };
  return {
    volumes: claimName === undefined ? [{ name, emptyDir }] : [],
    mounts: [{ name, mountPath: PROMPTS_FOLDER }],
  };
}

/** Of a claim the server may write to this folder alone: weights stay what they are. */
function compiledVolume(
  compiled: CompiledCode | undefined,
  claimVolume: (claimName: string) => string,
) {
  if (compiled === undefined) return { volumes: [], mounts: [] };
  const { claim, subPath } = compiled;
  if (claim !== undefined) {
    return {
      volumes: [],
      mounts: [{ name: claimVolume(claim), mountPath: COMPILED_FOLDER, subPath }],
    };
  }
  const name = "compiled";
  return {
    volumes: [{ name, emptyDir: { sizeLimit: COMPILED_LIMIT } }],
    mounts: [{ name, mountPath: COMPILED_FOLDER }],
  };
}

function sharedVolumes(candidates: readonly Candidate[], written: readonly string[]) {
  const byContent = new Map<string, Volume>();
  const volumeOf = (content: object, prefix: string): string => {
    const key = JSON.stringify(content);
    const known = byContent.get(key);
    if (known !== undefined) return known.name;
    const volume = { name: `${prefix}-${byContent.size}`, ...content };
    byContent.set(key, volume);
    return volume.name;
  };
  const claimVolume = (claimName: string): string => {
    const readOnly = written.includes(claimName) ? {} : { readOnly: true };
    return volumeOf({ persistentVolumeClaim: { claimName, ...readOnly } }, "claim");
  };
  const imageVolume = (image: object): string => volumeOf({ image }, "image");
  for (const claim of written) claimVolume(claim);
  const mounts = candidates.flatMap(({ role, index, source }) => {
    const name = volumeName(source, { claimVolume, imageVolume });
    if (name === undefined) return [];
    return [{ name, mountPath: volumeFolder(role, index), readOnly: true }];
  });
  return { volumes: [...byContent.values()], mounts, claimVolume };
}

type VolumeNames = {
  readonly claimVolume: (claimName: string) => string;
  readonly imageVolume: (image: object) => string;
};

function volumeName(source: SingleSource, names: VolumeNames): string | undefined {
  if (source.type === "persistentVolumeClaim") return names.claimVolume(source.claimName);
  if (source.type !== "image") return undefined;
  const { reference, pullPolicy } = source;
  return names.imageVolume({ reference, ...(pullPolicy !== undefined && { pullPolicy }) });
}

/** Missing Secrets are empty folders: the fetcher says better than the kubelet what is missing. */
function secretVolume({ role, index, source }: Candidate) {
  const secret = secretOf(source);
  if (secret === undefined) return [];
  const name = `secret-${role}-${index}`;
  return [
    {
      volume: { name, secret: { ...secret, optional: true, defaultMode: SECRET_MODE } },
      mount: { name, mountPath: secretFolder(role, index), readOnly: true },
    },
  ];
}

function secretOf(source: SingleSource) {
  switch (source.type) {
    case "huggingFace": {
      const ref = source.tokenSecretRef;
      return ref && { secretName: ref.name, items: [{ key: ref.key, path: "token" }] };
    }
    case "http":
      return source.headersSecretRef && { secretName: source.headersSecretRef.name };
    case "s3":
      return source.credentialsSecretRef && { secretName: source.credentialsSecretRef.name };
    case "persistentVolumeClaim":
    case "image":
    case "file":
    case "pythonPackage":
      return undefined;
  }
}
