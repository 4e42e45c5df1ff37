/**
 * The calls a controller makes, on any kind of object.
 *
 * Writing is server-side apply: say what this manager wants of an object, leave the rest alone, leave out
 * what is no longer wanted. Everything sent is checked by the server for unknown fields, so that a typing
 * mistake is an error and not a setting that does nothing.
 */
import { isNotFound } from "./api-errors.ts";
import type { ApiRequest, Query } from "./api-request.ts";
import { type Listed, listAll, type ListOptions } from "./list.ts";
import type {
  ApplyConfiguration,
  KubeObject,
  ObjectName,
  StatusConfiguration,
} from "../objects/objects.ts";
import { apiVersionOf, collectionPath, objectPath, type Resource } from "../objects/resource.ts";
import type { Subresource } from "../objects/resource.ts";
import type { Scope } from "../objects/scope.ts";
import type { Transport } from "./transport.ts";
import type { WriteGuard } from "./write-guard.ts";

type ClientOptions = {
  /** Who owns the fields this client applies. One per controller, and another for its statuses. */
  readonly fieldManager: string;
  readonly guard?: WriteGuard;
  /** Ends what is under way. */
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** False: every call is sent once, for callers with a retry loop of their own. */
  readonly retry?: boolean;
  /** Told of every write, from its beginning to its end. */
  readonly onWrite?: WriteObserver;
};

export type WriteObserver = <T>(
  request: Pick<ApiRequest, "method" | "path">,
  write: () => Promise<T>,
) => Promise<T>;

type DeleteOptions = {
  /** Only this life of the object, not a later one of the same name. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
};

type PatchOptions = { readonly subresource?: Subresource };

const APPLY_PATCH = "application/apply-patch+yaml";
const MERGE_PATCH = "application/merge-patch+json";

export class Client {
  readonly transport: Transport;
  readonly #options: ClientOptions;

  constructor(transport: Transport, options: ClientOptions) {
    this.transport = transport;
    this.#options = options;
  }

  /** The same client with other options. */
  with(options: Partial<ClientOptions>): Client {
    return new Client(this.transport, { ...this.#options, ...options });
  }

  /** Undefined when there is no such object. */
  async get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): Promise<T | undefined> {
    try {
      return await this.#send<T>({ method: "GET", path: objectPath(resource, name) });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async list<T extends KubeObject>(scope: Scope<T>, options?: ListOptions): Promise<Listed<T>> {
    const { signal, retry = true } = this.#options;
    return listAll(this.transport, scope, { retry, ...(signal && { signal }), ...options });
  }

  async create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    return this.#write<T>({
      method: "POST",
      path: collectionPath(resource, object.metadata.namespace),
      query: this.#writeQuery(),
      body: this.#typed(resource, object),
    });
  }

  /** Replaces the object, if it still has the version that `object` has. */
  async replace<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    return this.#write<T>({
      method: "PUT",
      path: objectPath(resource, object.metadata),
      query: this.#writeQuery(),
      body: this.#typed(resource, object),
    });
  }

  async apply<T extends KubeObject>(
    resource: Resource<T>,
    configuration: ApplyConfiguration<T>,
  ): Promise<T> {
    return this.#apply(resource, configuration, objectPath(resource, configuration.metadata));
  }

  async applyStatus<T extends KubeObject>(
    resource: Resource<T>,
    configuration: StatusConfiguration<T>,
  ): Promise<T> {
    const path = objectPath(resource, configuration.metadata, "status");
    return this.#apply(resource, configuration, path);
  }

  /** For what apply cannot say: taking a finalizer away, scaling what somebody else owns. */
  async mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    patch: object,
    { subresource }: PatchOptions = {},
  ): Promise<T> {
    return this.#write<T>({
      method: "PATCH",
      path: objectPath(resource, name, subresource),
      query: this.#writeQuery(),
      body: patch,
      contentType: MERGE_PATCH,
      repeatable: true,
    });
  }

  /** False when there was no such object. */
  async delete(
    resource: Resource,
    name: ObjectName,
    { uid, resourceVersion, propagationPolicy = "Background" }: DeleteOptions = {},
  ): Promise<boolean> {
    const preconditions = {
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    };
    const options = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy, preconditions };
    const path = objectPath(resource, name);
    try {
      await this.#write<unknown>({ method: "DELETE", path, body: options, repeatable: true });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async #apply<T extends KubeObject>(
    resource: Resource<T>,
    configuration: { readonly metadata: ObjectName },
    path: string,
  ): Promise<T> {
    if ("managedFields" in configuration.metadata) {
      const { name } = configuration.metadata;
      throw new Error(
        `the ${resource.kind} "${name}" to apply was read from the server: apply only what is wanted, or all its fields become this manager's`,
      );
    }
    return this.#write<T>({
      method: "PATCH",
      path,
      query: { ...this.#writeQuery(), force: true },
      body: this.#typed(resource, configuration),
      contentType: APPLY_PATCH,
      repeatable: true,
    });
  }

  #writeQuery(): Query {
    return { fieldManager: this.#options.fieldManager, fieldValidation: "Strict" };
  }

  #typed(resource: Resource, object: object): object {
    return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
  }

  async #write<T>(request: ApiRequest): Promise<T> {
    const { guard, onWrite } = this.#options;
    const write = (): Promise<T> => this.#send<T>({ ...request, guard });
    return onWrite === undefined ? write() : onWrite(request, write);
  }

  async #send<T>(request: ApiRequest): Promise<T> {
    const { signal, retry = true, timeoutMs } = this.#options;
    const limit = timeoutMs === undefined ? {} : { timeoutMs };
    return this.transport.json<T>({ ...request, ...limit, signal, retry });
  }
}
