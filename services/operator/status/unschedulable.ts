/**
 * The scheduler's message in words: how many nodes lack what.
 *
 * It reads like "0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't match Pod's node
 * affinity/selector. preemption: …". What is not understood is passed on as it is.
 */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { sentence } from "@localmodel/localmodel/contracts/sentence.ts";
import type { ConditionReason } from "@localmodel/localmodel/cluster/condition-reasons.ts";
import type { PodEvent } from "../model/observed.ts";
import { driverInWords, isInDriverWords } from "../objects/driver.ts";
import { failure } from "./advice.ts";
import type { Problem } from "./problem.ts";

const SUMMARY = /^0\/(\d+) nodes are available: (.*?)\.(?:\s|$)/s;
/** Devices of dynamic resource allocation. */
export const CLAIMS = "claims";
/** A volume that one pod at a time may use. */
export const ONE_POD_CLAIM = "ReadWriteOncePod";
export const ANTI_AFFINITY = "anti-affinity";
const UNBOUND =
  /unbound immediate PersistentVolumeClaims|persistentvolumeclaim "[^"]*" (?:not found|is being deleted)/;
/** Those of one pod, and those that are on some nodes, or in some zones; the second wording is of older schedulers. */
const VOLUME_ADVICE = [
  {
    told: /ReadWriteOncePod/,
    next: "A claim with ReadWriteOncePod serves one pod at a time: have ReadWriteMany in spec.cache, or one replica, or look for who else has it.",
  },
  {
    told: /PersistentVolume's node affinity|volume node affinity conflict/,
    next: "A volume of the pods is one that only some nodes reach: have ReadWriteMany in spec.cache with a StorageClass that all reach, have one replica, or free one of those nodes.",
  },
] as const;
const AFFINITY = "node(s) didn't match Pod's node affinity/selector";

/** What will come of it, as far as the operator knows. */
export type Outlook = {
  /** An autoscaler has said that it brings a node. */
  readonly bringsNode?: boolean;
  /** An old pod will make room. */
  readonly makesRoom?: boolean;
  /** Why no old pod makes room. */
  readonly lacks?: readonly string[];
  /** What keeps pods from their first container, by their names. */
  readonly podsSay?: ReadonlyMap<string, PodEvent>;
  /** Another pod of the model ends, which may have what one waits for. */
  readonly isLeaving?: boolean;
};

export function unschedulable(pod: Pod, said: string, outlook: Outlook = {}): Problem {
  if (UNBOUND.test(said)) return unbound(said);
  const why = whyNot(pod, said);
  if (outlook.bringsNode === true) {
    return waits("AddingNode", `No node can take a pod yet, and the cluster adds one: ${why}.`);
  }
  if (outlook.makesRoom === true) {
    const what = `No node has room for a new pod beside the old ones: ${why}.`;
    return waits("WaitingForRoom", `${what} An old pod makes room for it.`);
  }
  const { lacks = [] } = outlook;
  const { message, ...problem } = impossible(said, `No node can take a pod: ${why}`);
  if (lacks.length === 0) return { ...problem, message };
  const instead = `An old pod that went would not help (${lacks.join(", ")}).`;
  return { ...problem, message: `${message} ${instead}` };
}

/** Where a volume decides on which nodes there are pods, a further node would not do. */
function impossible(said: string, what: string): Problem {
  const [summary = said] = said.split(" preemption:");
  const problem = failure("Unschedulable", what);
  const next = VOLUME_ADVICE.find(({ told }) => told.test(summary))?.next;
  return next === undefined ? problem : { ...problem, message: `${sentence(what)} ${next}` };
}

/** It is not a node that is missing. */
function unbound(said: string): Problem {
  const [summary = said] = said.split(" preemption:");
  const message =
    `A claim of the pods has no volume: ${summary.trim()} Look at it with kubectl describe pvc: ` +
    "it, its StorageClass or a volume for it may be missing, or the volume is still being made.";
  return { stage: "schedule", reason: "Unschedulable", message, waits: false };
}

function waits(reason: ConditionReason, message: string): Problem {
  return { stage: "schedule", reason, message, waits: true };
}

function whyNot(pod: Pod, said: string): string {
  const [, nodes, list] = SUMMARY.exec(said) ?? [];
  if (nodes === undefined || list === undefined) return said;
  const reasons = list.split(/, (?=\d+ )/).map((reason) => inWords(pod, reason, nodes));
  return reasons.join("; ");
}

/** What would be there if another pod went away: resources by name, claims of devices, a claim that is taken. */
export function shortOf(said: string): readonly string[] {
  const [summary = ""] = said.split(" preemption:");
  const resources = [...summary.matchAll(/Insufficient ([^\s,]+?)(?=[,.]?(?:\s|$))/g)].map(
    ([, name = ""]) => name,
  );
  const others = [
    ["Too many pods", "pods"],
    ["cannot allocate all claims", CLAIMS],
    ["ReadWriteOncePod", ONE_POD_CLAIM],
    ["didn't match pod anti-affinity rules", ANTI_AFFINITY],
  ] as const;
  return [
    ...new Set([
      ...resources,
      ...others.flatMap(([text, name]) => (summary.includes(text) ? [name] : [])),
    ]),
  ];
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
  const all = terms.flatMap(({ matchExpressions = [] }) => matchExpressions);
  const driver = driverInWords(all);
  const expressions = all.filter((one) => driver === undefined || !isInDriverWords(one));
  const present = expressions.filter(({ operator }) => operator === "Exists");
  const keys = [...new Set(present.map(({ key }) => key))];
  const texts = [
    ...Object.entries(spec?.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(keys.length === 0 ? [] : [keys.join(" or ")]),
    // A label that may be missing is one of two alternatives, of which the other tells more.
    ...expressions
      .filter(({ operator }) => operator !== "DoesNotExist" && operator !== "Exists")
      .map(({ key, operator, values = [] }) =>
        operator === "Gt"
          ? `${key} > ${values.join()}`
          : `${key} ${operator} (${values.join(", ")})`,
      ),
    ...(driver === undefined ? [] : [driver]),
  ];
  return texts.length === 0 ? "nodeSelector and affinity" : [...new Set(texts)].join(" and ");
}
