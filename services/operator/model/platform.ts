/** What the surroundings decide for all models alike: the part of the operator's configuration objects depend on. */
import type { OperatorConfig } from "@localmodel/localmodel/contracts/operator-config.ts";

export type Platform = Pick<
  OperatorConfig,
  | "architectures"
  | "environmentPolicy"
  | "ephemeralStorageRequests"
  | "fetch"
  | "podSecurity"
  | "images"
  | "imagePullPolicy"
  | "imagePullSecrets"
  | "modelEnvironment"
  | "runtimeImages"
  | "sourceHosts"
> & {
  /** What the keys of model servers are made from. None: their servers ask for none. */
  readonly serverSecrets?: readonly string[];
};
