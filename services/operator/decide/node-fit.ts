/**
 * Whether a node would take a pod, as far as it can be told from the node and the pods on it: labels, taints, and what
 * is left of everything the pod asks for.
 *
 * The scheduler knows more (ports, volumes, spreading); what it would refuse for such a reason is not seen here.
 */
import type { Node, Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { Place } from "../model/observed.ts";
import { quantityValue } from "../objects/quantities.ts";

type PodSpec = NonNullable<Pod["spec"]>;
type Container = PodSpec["containers"][number];
type Terms = NonNullable<
  NonNullable<
    NonNullable<PodSpec["affinity"]>["nodeAffinity"]
  >["requiredDuringSchedulingIgnoredDuringExecution"]
>["nodeSelectorTerms"];
type Requirement = {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
};
type Taint = NonNullable<NonNullable<Node["spec"]>["taints"]>[number];

/** What stands in the way, in words; nothing when the node would take it. */
export function lackOf(pod: Pod, { node, pods }: Place): readonly string[] {
  const labels = node.metadata.labels ?? {};
  const taint = (node.spec?.taints ?? []).find((one) => repels(one) && !tolerates(pod, one));
  return [
    ...(node.spec?.unschedulable === true ? ["it is cordoned"] : []),
    ...(taint === undefined ? [] : [`its taint ${taint.key} is not tolerated`]),
    ...(matchesNode(pod, labels, node.metadata.name) ? [] : ["its labels are others"]),
    ...shortages(pod, { node, pods }),
  ];
}

/** Of nodes that are being made ready, or are drained. */
const PASSING_TAINT = "node.kubernetes.io/";

/** Whether a node is of a kind that the pod may run on, however full it is, or away just now. */
export function couldTake(pod: Pod, { metadata, spec }: Node): boolean {
  const lasting = (spec?.taints ?? []).filter(({ key }) => !key.startsWith(PASSING_TAINT));
  return (
    lasting.every((taint) => !repels(taint) || tolerates(pod, taint)) &&
    matchesNode(pod, metadata.labels ?? {}, metadata.name)
  );
}

/** How many of such pods find room, `most` at most. */
export function roomOn(pod: Pod, { node, pods }: Place, most: number): number {
  let count = 0;
  const taken = [...pods];
  while (count < most && lackOf(pod, { node, pods: taken }).length === 0) {
    taken.push(pod);
    count += 1;
  }
  return count;
}

/** One of the alternatives; of none, every node. */
export function meetsOne(
  alternatives: readonly (readonly Requirement[])[],
  { metadata: { labels = {} } }: Node,
): boolean {
  if (alternatives.length === 0) return true;
  return alternatives.some((all) => all.every((one) => isMet(one, labels[one.key])));
}

function shortages(pod: Pod, { node, pods }: Place): readonly string[] {
  const allocatable = node.status?.allocatable ?? {};
  const others = pods.map(requestsOf);
  const wanted = [...requestsOf(pod), ["pods", 1] as const];
  return wanted.flatMap(([name, n]) => {
    const taken =
      name === "pods"
        ? pods.length
        : others.reduce((sum, requests) => sum + (requests.get(name) ?? 0), 0);
    const left = quantityValue(allocatable[name] ?? "0") - taken;
    return n <= left || n === 0 ? [] : [`it would not have enough ${name}`];
  });
}

/** What the scheduler counts: all containers, or the greediest of those that run before, and the runtime's own. */
export function requestsOf({ spec }: Pod): ReadonlyMap<string, number> {
  const first = spec?.initContainers ?? [];
  const sidecars = first.filter(({ restartPolicy }) => restartPolicy === "Always");
  const running = sumOf([...(spec?.containers ?? []), ...sidecars].map(requestsIn));
  const before = first.filter((one) => !sidecars.includes(one)).map(requestsIn);
  const names = new Set([running, ...before].flatMap((requests) => [...requests.keys()]));
  const overhead = quantitiesIn(spec?.overhead);
  return sumOf([
    new Map(
      [...names].map((name) => {
        const amounts = [running, ...before].map((requests) => requests.get(name) ?? 0);
        return [name, Math.max(...amounts)] as const;
      }),
    ),
    overhead,
  ]);
}

function requestsIn({ resources }: Pick<Container, "resources">): ReadonlyMap<string, number> {
  return quantitiesIn(resources?.requests);
}

function quantitiesIn(
  quantities: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(quantities).map(([name, quantity]) => [name, quantityValue(quantity)]),
  );
}

function sumOf(all: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const sum = new Map<string, number>();
  for (const [name, n] of all.flatMap((one) => [...one])) sum.set(name, (sum.get(name) ?? 0) + n);
  return sum;
}

function repels({ effect }: Taint): boolean {
  return effect === "NoSchedule" || effect === "NoExecute";
}

function tolerates({ spec }: Pod, taint: Taint): boolean {
  return (spec?.tolerations ?? []).some(
    ({ key, operator = "Equal", value = "", effect }) =>
      (effect === undefined || effect === "" || effect === taint.effect) &&
      (key === undefined || key === "" || key === taint.key) &&
      (operator === "Exists" || value === (taint.value ?? "")),
  );
}

function matchesNode({ spec }: Pod, labels: Labels, name: string): boolean {
  const isSelected = Object.entries(spec?.nodeSelector ?? {}).every(
    ([key, value]) => labels[key] === value,
  );
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return isSelected && (terms === undefined || terms.some((term) => holds(term, labels, name)));
}

type Labels = Readonly<Record<string, string>>;

/** A term that asks for nothing matches nothing. */
function holds(
  { matchExpressions = [], matchFields = [] }: Terms[number],
  labels: Labels,
  name: string,
): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((one) => isMet(one, labels[one.key])) &&
    matchFields.every((one) => isMet(one, one.key === "metadata.name" ? name : undefined))
  );
}

function isMet({ operator, values = [] }: Requirement, label: string | undefined): boolean {
  switch (operator) {
    case "In":
      return label !== undefined && values.includes(label);
    case "NotIn":
      return label === undefined || !values.includes(label);
    case "Exists":
      return label !== undefined;
    case "DoesNotExist":
      return label === undefined;
    case "Gt":
      return label !== undefined && Number.parseInt(label, 10) > Number(values[0]);
    case "Lt":
      return label !== undefined && Number.parseInt(label, 10) < Number(values[0]);
    default:
      return false;
  }
}
