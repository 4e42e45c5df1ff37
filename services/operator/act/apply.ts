/**
 * Writes what a decision wants: applies what differs, deletes what is no longer wanted.
 *
 * What the caches show to be as it was applied is not applied again, so a pass over a settled model writes
 * nothing. A refusal by the API server (a quota, a policy, a value that may not change) is an answer, not a
 * failure: it goes into the status, and the other objects are written nevertheless.
 */
import { ApiStatusError, isNamespaceEnding, isNotFound } from "@localmodel/kube/wire/api-errors.ts";
import type { AppliedMemory } from "@localmodel/kube/cache/applied-memory.ts";
import type { Client } from "@localmodel/kube/wire/client.ts";
import { DEPLOYMENTS, PODS } from "@localmodel/kube/objects/core-resources.ts";
import type { Deployment, Pod } from "@localmodel/kube/objects/core-resources.ts";
import { type KubeObject, keyOf } from "@localmodel/kube/objects/objects.ts";
import type { WrittenVersions } from "@localmodel/kube/cache/written-versions.ts";
import type { DesiredObject } from "../decide/desired.ts";
import { podWrite } from "./inspect-pod-life.ts";
import { GOES_AS_OTHERS, GOES_FIRST } from "../objects/deletion-cost.ts";
import type { OwnedObject } from "../model/observed.ts";
import type { Problem } from "../status/problem.ts";
import { refusal } from "../status/refusal.ts";
import type { Beneficiary, Strangers } from "../observe/strangers.ts";

export type Writer = {
  readonly client: Client;
  readonly memory: AppliedMemory;
  readonly written: WrittenVersions;
  readonly strangers: Strangers;
  readonly signal: AbortSignal;
  /** Whose pass it is. */
  readonly model: Beneficiary;
};

/** What came of applying one object. `againInMs`: it has to wait for something nobody tells of. */
type Applied = { readonly refusal?: Problem; readonly againInMs?: number };

export async function applyObject(
  writer: Writer,
  desired: DesiredObject,
  observed: readonly OwnedObject[],
): Promise<Applied> {
  const { resource, configuration } = desired;
  const known = observed.find(
    (one) =>
      one.resource === resource && keyOf(one.object.metadata) === keyOf(configuration.metadata),
  )?.object;
  try {
    if (resource === PODS && known !== undefined) return await replacePod(writer, desired, known);
    if (writer.memory.isCurrent(resource, configuration, known)) return {};
    const taken = known === undefined ? await takenBy(writer, desired) : undefined;
    if (taken !== undefined) return { refusal: taken };
    const applied = await writer.client.apply(resource, configuration);
    writer.memory.remember(resource, configuration, applied);
    writer.written.record(writer.model.key, resource, applied);
    return {};
  } catch (error) {
    const said = refusalOf(error, `The ${resource.kind} ${configuration.metadata.name}`);
    if (said === undefined) throw error;
    return { refusal: said };
  }
}

/** Pods cannot be changed, only made anew. */
async function replacePod(
  { client }: Writer,
  { configuration }: DesiredObject,
  pod: KubeObject,
): Promise<Applied> {
  const write = podWrite(configuration.metadata, pod, Date.now());
  if (write === "delete") {
    const { namespace = "", name, uid = "" } = pod.metadata;
    await client.delete(PODS, { namespace, name }, { uid });
  }
  return typeof write === "object" ? write : {};
}

/** What the caches do not show may be there nevertheless. */
async function takenBy(
  { strangers, model, signal }: Writer,
  { resource, configuration: { metadata } }: DesiredObject,
): Promise<Problem | undefined> {
  if (!(await strangers.have(resource, metadata, { model, signal }))) return undefined;
  const what = `The ${resource.kind} ${metadata.name}`;
  return refusal(what, "somebody else has made one of that name", 409);
}

/** Undefined for what may be different next time. */
function refusalOf(error: unknown, what: string): Problem | undefined {
  if (isNamespaceEnding(error)) return undefined;
  if (!(error instanceof ApiStatusError)) return undefined;
  if (![400, 403, 422].includes(error.code) && !isOfUnknownField(error)) return undefined;
  return refusal(what, saidBy(error), error.code);
}

/** What an API server calls a failure of its own: a field that its version of Kubernetes does not have. */
function isOfUnknownField({ code, message }: ApiStatusError): boolean {
  return code === 500 && message.includes("failed to create typed patch object");
}

/** The server's own words, without the request that they answer. */
export function saidBy({ message, code, reason }: ApiStatusError): string {
  const attempted = `: ${code} ${reason}: `;
  const end = message.indexOf(attempted);
  return end < 0 ? message : message.slice(end + attempted.length);
}

export async function deleteObject(
  { client, memory }: Writer,
  { resource, object }: OwnedObject,
): Promise<void> {
  const { namespace = "", name, uid = "" } = object.metadata;
  memory.forget(resource, object.metadata);
  await client.delete(resource, { namespace, name }, { uid });
}

export async function scaleDeployment(
  { client, written, model }: Writer,
  { metadata }: Deployment,
  replicas: number,
): Promise<void> {
  const { namespace = "", name } = metadata;
  const patch = { spec: { replicas } };
  const scaled = await client.mergePatch(DEPLOYMENTS, { namespace, name }, patch);
  written.record(model.key, DEPLOYMENTS, scaled);
}

/** Lets the pod go before others of its kind, or no longer. */
export async function markPod(
  { client, written, model }: Writer,
  { metadata }: Pod,
  goes: "first" | "as others",
): Promise<void> {
  const { namespace = "", name } = metadata;
  const patch = goes === "first" ? GOES_FIRST : GOES_AS_OTHERS;
  try {
    const marked = await client.mergePatch(PODS, { namespace, name }, patch);
    written.record(model.key, PODS, marked);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
