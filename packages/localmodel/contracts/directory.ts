/**
 * The directory: every model the API service knows, as whoever runs the models describes it.
 *
 * On one machine the supervisor sends it whole over IPC at every change; in a cluster the API service
 * derives it from LocalModels and EndpointSlices. Routing depends on nothing else.
 */
import type { ModelFacts } from "./server-state.ts";
import type { Stay } from "./stay.ts";

export type DirectoryModel = {
  readonly id: string;
  readonly aliases: readonly string[];
  /** Of an adapter: the model that it belongs to, which is listed as well. */
  readonly parent?: string;
  readonly createdSeconds: number;
  readonly state:
    | "pending"
    | "downloading"
    | "asleep"
    | "loading"
    | "ready"
    | "restarting"
    | "failed";
  /** One sentence for a person: progress, or what is wrong and what to do. */
  readonly message: string;
  /** In a cluster: why, as the condition Ready has it in one word. */
  readonly reason?: string;
  /** Whether it is the `message` that keeps it from being served, and not time that it takes. */
  readonly isStuck?: boolean;
  /** 0..1 while downloading or loading. */
  readonly progress?: number;
  /** What is known of the weights: on one machine all of it, once they have been loaded. */
  readonly facts?: Partial<ModelFacts>;
  /** Base URLs that serve it now, such as `http://127.0.0.1:41234`. */
  readonly endpoints: readonly string[];
  /** Base URLs of servers that are there, whose weights are not in memory: one is asked to load when somebody waits. */
  readonly sleepers?: readonly string[];
  /** `namespace/name` of its LocalModel, which decides the key that its servers are shown; see server-key.ts. */
  readonly server?: string;
  /** In a cluster: the name of each endpoint's pod. */
  readonly pods?: Readonly<Record<string, string>>;
  /** In a cluster: endpoints that are to become idle, and end then. */
  readonly leaving?: readonly string[];
  /** In a cluster, of a model whose servers stay while it sleeps: the node of each, by its URL. */
  readonly nodes?: Readonly<Record<string, string>>;
  /** Requests that each endpoint works on at the same time; 1 if left out. */
  readonly slots?: number;
  /** In a cluster: how many servers it has follows from who asks for it. */
  readonly scales?: boolean;
  /** Whether its servers stay while it sleeps: they are asked to load and unload. */
  readonly unloads?: boolean;
  /** Longest wait of a request that wakes it. Absent: it does not sleep, and waits are as for any model that loads. */
  readonly activationTimeoutSeconds?: number;
  /** How long its weights stay in memory. Absent: not known. */
  readonly stay?: Stay;
};

export type Names = Pick<DirectoryModel, "id" | "aliases" | "parent">;

/** How a model is listed: under its ids, then each of its adapters. `otherwise`: their parent when it has no id left. */
export function listedAs(
  [id, ...aliases]: readonly string[],
  adapterIds: readonly string[],
  otherwise: string,
): readonly Names[] {
  const parent = id ?? otherwise;
  return [
    ...(id === undefined ? [] : [{ id, aliases }]),
    ...adapterIds.map((adapter) => ({ id: adapter, aliases: [], parent })),
  ];
}

export type Directory = { readonly models: readonly DirectoryModel[] };

/** Parent to API service. `number` counts up, so that an answer can say which of them it knows. */
export type DirectoryMessage = {
  readonly type: "directory";
  readonly number: number;
  readonly directory: Directory;
};

/** Who is asked for, by `server` of the models. One that is not named is not asked for. */
export type Demand = Readonly<Record<string, ServerDemand>>;

type ServerDemand = {
  /** Whether requests are at its endpoints. */
  readonly isBusy: boolean;
  /** Whether requests wait for a place there. */
  readonly isWaiting: boolean;
  /** How long it is to stay loaded when nobody uses it any more, if the latest request said so; -1 for ever. */
  readonly keepAliveSeconds?: number;
};
/** API service to parent. */
export type ApiMessage =
  | { readonly type: "listening"; readonly port: number }
  /** At every change, and once the directory of that number is what new requests are routed by. */
  | { readonly type: "demand"; readonly directory: number; readonly demand: Demand }
  /** Somebody wants the model's memory back. */
  | { readonly type: "unload"; readonly server: string }
  /** It cannot take its port, for the system's reason `code`; the process ends after this. */
  | { readonly type: "failed"; readonly message: string; readonly code: string };
