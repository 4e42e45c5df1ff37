/**
 * Why the API server does not take an object, or a pod that is made for one: a quota, a security level, a
 * rule of the cluster. Told by text, which is all there is.
 */
import type { Deployment } from "@localmodel/kube/objects/core-resources.ts";
import { failure } from "./advice.ts";
import type { Problem } from "./problem.ts";

/** `code`: the HTTP status. */
export function refusal(what: string, said: string, code = 403): Problem {
  const told = `${what} was refused: ${said}`;
  if (said.includes("exceeded quota")) return failure("QuotaExceeded", told);
  if (said.includes("violates PodSecurity")) return failure("PodSecurity", told);
  return failure(code === 403 ? "Forbidden" : "Rejected", told);
}

/** Who deletes a namespace need not be told that nothing is made in it. */
function isEnding(said = ""): boolean {
  return said.includes("because it is being terminated");
}

/** Pods the Deployment's controller wanted to make and could not. */
export function replicaProblem(deployment: Deployment | undefined): Problem | undefined {
  const failed = deployment?.status?.conditions?.find(({ type }) => type === "ReplicaFailure");
  if (failed?.status !== "True" || isEnding(failed.message)) return undefined;
  return refusal("A pod", failed.message ?? "");
}
