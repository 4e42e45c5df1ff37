/**
 * Where the driver of NVIDIA's devices keeps what it compiles: a library that has no machine code for a device leaves that to
 * it, which takes minutes, and would otherwise be done anew at each start.
 *
 * On the claim that the operator makes for weights it outlives pods. A claim that its author brings may be read-only, by
 * its volume or its mount options, which nobody here knows: the kubelet could not make the folder, and no pod would start
 * that starts now. Other models may have it too, and would run what a server that was taken over has left there. So there,
 * and without a claim, it outlives containers, unless the author says otherwise: then each LocalModel has a folder.
 */
import { COMPILED_FOLDER } from "@localmodel/localmodel/cluster/pod-layout.ts";
import type { Model } from "../model/model.ts";
import { cacheClaimName } from "./cache-claim.ts";
import { gpuOf, isNvidia, usesDevices } from "./gpu.ts";

export const CUDA_CACHE_VARIABLE = "CUDA_CACHE_PATH";
const MAX_BYTES = 2 ** 30;
const FOLDER = "compiled";
/** Of the volume: what is about to be taken away is there a little longer. */
export const COMPILED_LIMIT = "2Gi";

export type CompiledCode = { readonly claim?: string; readonly subPath: string };

/** Undefined for devices whose code is not kept there. */
export function compiledCode(model: Model): CompiledCode | undefined {
  const gpu = gpuOf(model);
  if (gpu === undefined || !usesDevices(model) || !isNvidia(gpu)) return undefined;
  const { cache } = model.spec;
  const isOwn = cache?.claimTemplate !== undefined;
  const place = cache?.compiledCode ?? (isOwn ? "OnClaim" : "InPod");
  const claim = place === "OnClaim" ? cacheClaimName(model) : undefined;
  if (claim === undefined) return { subPath: FOLDER };
  return { claim, subPath: isOwn ? FOLDER : `${FOLDER}/${model.name}` };
}

export function cudaCacheVariables(model: Model) {
  if (compiledCode(model) === undefined) return [];
  return [
    { name: CUDA_CACHE_VARIABLE, value: COMPILED_FOLDER },
    { name: "CUDA_CACHE_MAXSIZE", value: String(MAX_BYTES) },
  ];
}
