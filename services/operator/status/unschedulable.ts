/**
 * The scheduler's message in words: how many nodes lack what.
 *
 * It reads like "0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't match Pod's node
 * affinity/selector. preemption: …". What is not understood is passed on as it is.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { failure } from "./advice.ts";
import type { Problem } from "./problem.ts";

const SUMMARY = /^0\/(\d+) nodes are available: (.*?)\.(?:\s|$)/s;
const AFFINITY = "node(s) didn't match Pod's node affinity/selector";

export function unschedulable(pod: Pod, said: string): Problem {
  const [, nodes, list] = SUMMARY.exec(said) ?? [];
  if (nodes === undefined || list === undefined) {
    return failure("Unschedulable", `No node can take a pod: ${said}`);
  }
  const reasons = list.split(/, (?=\d+ )/).map((reason) => inWords(pod, reason, nodes));
  return failure("Unschedulable", `No node can take a pod: ${reasons.join("; ")}`);
}

/** Whether it would help if another pod went away. */
export function isShortOfResources(said: string): boolean {
  return /Insufficient |cannot allocate all claims|Too many pods/.test(said);
}

function inWords(pod: Pod, reason: string, nodes: string): string {
  const [, count = "", what = reason] = /^(\d+) (.*)$/s.exec(reason) ?? [];
  const where = count === "" ? "" : `${count} of ${nodes} ${nodes === "1" ? "node" : "nodes"}: `;
  const resource = /^Insufficient (\S+)$/.exec(what)?.[1];
  if (resource !== undefined) return `${where}not enough ${resource}${asked(pod, resource)}`;
  if (what === AFFINITY) return `${where}not the labels that ${requirementsOf(pod)} ask for`;
  return `${where}${what.replace(/^node\(s\) /, "")}`;
}

function asked({ spec }: Pod, resource: string): string {
  const amounts = (spec?.containers ?? []).flatMap(
    ({ resources }) => resources?.requests?.[resource] ?? [],
  );
  return amounts.length === 0 ? "" : ` (each pod asks for ${amounts.join(" + ")})`;
}

function requirementsOf({ spec }: Pod): string {
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
      ?.nodeSelectorTerms ?? [];
  const expressions = terms.flatMap(({ matchExpressions = [] }) => matchExpressions);
  const texts = [
    ...Object.entries(spec?.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`),
    ...expressions.map(({ key, operator, values = [] }) =>
      operator === "Gt" ? `${key} > ${values.join()}` : `${key} ${operator} (${values.join(", ")})`,
    ),
  ];
  return texts.length === 0 ? "nodeSelector and affinity" : [...new Set(texts)].join(" and ");
}
