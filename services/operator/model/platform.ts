/** What the surroundings decide for all models alike: the part of the operator's configuration objects depend on. */
import type { LocalModelClassSpec } from "@localmodel/localmodel/resource/class-spec.ts";
import type { OperatorConfig } from "@localmodel/localmodel/contracts/operator-config.ts";

/** Newest first. */
export const CUDA_IMAGES = ["cuda", "cuda12"] as const;
export type CudaImage = (typeof CUDA_IMAGES)[number];

export type Platform = Pick<
  OperatorConfig,
  | "architectures"
  | "environmentPolicy"
  | "ephemeralStorageRequests"
  | "cudaDevices"
  | "leastCudaDriver"
  | "leastCuda12Driver"
  | "fetch"
  | "podSecurity"
  | "images"
  | "imagePullPolicy"
  | "imagePullSecrets"
  | "modelEnvironment"
  | "runtimeImages"
  | "sourceHosts"
> & {
  /** Which of the images for NVIDIA's devices the model at hand gets; absent: the newest that is named. */
  readonly cudaImage?: CudaImage;
  /** What the keys of model servers are made from. None: their servers ask for none. */
  readonly serverSecrets?: readonly string[];
  /** Of the class of the model at hand: variables of all its containers, and what stands for the class. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly classRevision?: string;
  readonly podFields?: LocalModelClassSpec["pod"];
  readonly podTemplatePatch?: LocalModelClassSpec["podTemplatePatch"];
  /** Whether `fetch.caBundle` is of the class, and so for the server as well. */
  readonly serverTrustsCaBundle?: boolean;
};
