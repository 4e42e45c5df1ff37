/**
 * Keys from the cluster: every Secret of one namespace with the label holds a keys document.
 *
 * A Secret that becomes invalid keeps the keys it had, and the log says what is wrong with it. While the API
 * server is away everything stays as it was.
 */
import type { ClusterAccess } from "@localmodel/kube/access/access.ts";
import { SECRETS, type Secret } from "@localmodel/kube/objects/core-resources.ts";
import type { Log } from "@localmodel/kube/log.ts";
import { Reflector } from "@localmodel/kube/cache/reflector.ts";
import { Transport, type TransportOptions } from "@localmodel/kube/wire/transport.ts";
import {
  API_KEYS_LABEL,
  API_KEYS_SECRET_ITEM,
  type ApiKey,
} from "@localmodel/localmodel/contracts/api-keys.ts";
import { formatProblem } from "@localmodel/localmodel/documents/problem.ts";
import { readApiKeys } from "@localmodel/localmodel/documents/read-api-keys.ts";
import { modelLoading } from "@localmodel/inference/unavailability.ts";
import type { KeySource } from "./key-source.ts";

export type ClusterKeysOptions = {
  readonly namespace: string;
  readonly log: Log;
  readonly transport?: TransportOptions;
};

export class ClusterKeys implements KeySource, AsyncDisposable {
  readonly #log: Log;
  readonly #transport: Transport;
  readonly #reflector: Reflector<Secret>;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** By the Secret's name, in whose order they count. */
  readonly #secrets = new Map<string, readonly ApiKey[]>();
  #keys: readonly ApiKey[] | undefined;

  constructor(access: ClusterAccess, { namespace, log, transport }: ClusterKeysOptions) {
    this.#log = log;
    this.#transport = new Transport(access, { userAgent: "localmodel-api", ...transport });
    const scope = { resource: SECRETS, namespace, labelSelector: `${API_KEYS_LABEL}=true` };
    this.#reflector = new Reflector(this.#transport, scope, { log });
    this.#reflector.cache.listen(({ type, object }) => {
      this.#keys = undefined;
      if (type === "deleted") this.#secrets.delete(object.metadata.name);
      else this.#read(object);
    });
    this.#running = this.#reflector.run(this.#stop.signal);
  }

  /** Throws 503 before the Secrets have been listed once. */
  current(): readonly ApiKey[] {
    if (!this.#reflector.hasSynced) throw modelLoading("The list of API keys is not known yet.", 1);
    this.#keys ??= [...this.#secrets]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, keys]) => keys);
    return this.#keys;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#transport[Symbol.asyncDispose]();
  }

  #read({ metadata: { name }, data }: Secret): void {
    const encoded = data?.[API_KEYS_SECRET_ITEM];
    const text = encoded === undefined ? "" : Buffer.from(encoded, "base64").toString("utf8");
    const read = readApiKeys(text, `secret/${name}/${API_KEYS_SECRET_ITEM}`);
    if ("value" in read) this.#secrets.set(name, read.value);
    else {
      this.#log.warn("a Secret with API keys is invalid; the keys it had stay", {
        problems: read.problems.map(formatProblem).join("\n"),
      });
    }
  }
}
