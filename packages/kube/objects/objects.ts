/**
 * What every Kubernetes object has, as it travels: plain JSON, times as strings.
 *
 * The types that client-node generates describe objects after its own decoding (dates, `_from` for
 * `from`), which is not what a raw transport sees. `Wire` turns them back into what is on the wire.
 */

type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
};

export type ObjectMeta = {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly unknown[];
};

export type KubeObject = {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
};

/** Names one object of one resource. Without a namespace for objects of the cluster. */
export type ObjectName = { readonly namespace?: string; readonly name: string };

/** `namespace/name`, or `name`: what queues and caches are keyed by. Neither part can hold a slash. */
export function keyOf({ namespace, name }: ObjectName): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function nameOf(key: string): ObjectName {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The wire form of one of client-node's types. */
type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Wire<Item>[]
    : T extends object
      ? { readonly [Key in keyof T as WireName<Key>]: Wire<T[Key]> }
      : T;

type WireName<Key> = Key extends `x_kubernetes_${string}`
  ? Dashed<Key>
  : Key extends `_${infer Rest}`
    ? Rest
    : Key;

type Dashed<Text extends string> = Text extends `${infer Head}_${infer Tail}`
  ? `${Head}-${Dashed<Tail>}`
  : Text;

/** The wire form of an object that came from the API server. */
export type Observed<T> = Omit<Wire<T>, "metadata" | "apiVersion" | "kind"> & KubeObject;

/** What one field manager says about an object: any part of it, and its name. */
export type ApplyConfiguration<T extends KubeObject> = DeepPartial<
  Omit<T, "metadata" | "apiVersion" | "kind" | "status">
> & {
  readonly metadata: Pick<
    ObjectMeta,
    "name" | "namespace" | "uid" | "labels" | "annotations" | "ownerReferences" | "finalizers"
  >;
};

export type StatusConfiguration<T extends KubeObject> = {
  /** With a version: only if it is still the newest. */
  readonly metadata: Pick<ObjectMeta, "name" | "namespace" | "uid" | "resourceVersion">;
  readonly status: T extends { readonly status?: infer Status } ? DeepPartial<Status> : never;
};

type DeepPartial<T> = T extends readonly (infer Item)[]
  ? readonly DeepPartial<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]?: DeepPartial<T[Key]> }
    : T;
