/**
 * Whether NetworkPolicies let one thing connect to another: as much of their meaning as charts/localmodel uses, so
 * that a test can ask what a policy is for and not how it is written.
 *
 * A pod that no policy selects is open; one that any selects is closed but for what one of them allows.
 */
import assert from "node:assert/strict";
import { BlockList, isIPv6 } from "node:net";

type Labels = Readonly<Record<string, string>>;
type Selector = { readonly matchLabels?: Labels };
type Peer = {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
};
type Rule = {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly protocol?: string; readonly port: number }[];
};

export type NetworkPolicy = {
  readonly metadata: { readonly namespace?: string };
  readonly spec: {
    readonly podSelector: Selector;
    readonly policyTypes: readonly ("Ingress" | "Egress")[];
    readonly ingress?: readonly Rule[];
    readonly egress?: readonly Rule[];
  };
};

type PodPlace = { readonly namespace: string; readonly labels: Labels };
/** A pod, or an address outside the cluster. */
export type Place = PodPlace | { readonly address: string };

export function reaches(
  policies: readonly NetworkPolicy[],
  from: Place,
  to: Place,
  port: number,
): boolean {
  const isLetOut = !isPod(from) || allows(rulesFor(policies, from, "Egress"), from, to, port);
  const isLetIn = !isPod(to) || allows(rulesFor(policies, to, "Ingress"), to, from, port);
  return isLetOut && isLetIn;
}

/** Undefined for a pod that no policy is about. */
function rulesFor(
  policies: readonly NetworkPolicy[],
  pod: PodPlace,
  direction: "Ingress" | "Egress",
): readonly Rule[] | undefined {
  const about = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === pod.namespace &&
      spec.policyTypes.includes(direction) &&
      selects(spec.podSelector, pod.labels),
  );
  if (about.length === 0) return undefined;
  return about.flatMap(({ spec }) =>
    direction === "Ingress" ? (spec.ingress ?? []) : (spec.egress ?? []),
  );
}

function allows(
  rules: readonly Rule[] | undefined,
  pod: PodPlace,
  other: Place,
  port: number,
): boolean {
  return rules === undefined || rules.some((rule) => ruleAllows(rule, pod, other, port));
}

function ruleAllows(rule: Rule, { namespace }: PodPlace, other: Place, port: number): boolean {
  const peers = rule.from ?? rule.to;
  const isPort =
    rule.ports === undefined ||
    rule.ports.some((one) => one.port === port && one.protocol !== "UDP");
  return isPort && (peers === undefined || peers.some((peer) => isPeer(peer, namespace, other)));
}

function isPeer(peer: Peer, ownNamespace: string, other: Place): boolean {
  if (peer.ipBlock !== undefined) return !isPod(other) && isInBlock(peer.ipBlock, other.address);
  if (!isPod(other)) return false;
  const isNamespace =
    peer.namespaceSelector === undefined
      ? other.namespace === ownNamespace
      : selects(peer.namespaceSelector, { "kubernetes.io/metadata.name": other.namespace });
  return isNamespace && selects(peer.podSelector ?? {}, other.labels);
}

function selects(selector: Selector, labels: Labels): boolean {
  assert.deepEqual(
    Object.keys(selector).filter((key) => key !== "matchLabels"),
    [],
  );
  return Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}

function isInBlock({ cidr, except = [] }: NonNullable<Peer["ipBlock"]>, address: string): boolean {
  return isIn(cidr, address) && !except.some((one) => isIn(one, address));
}

function isIn(cidr: string, address: string): boolean {
  const [network = "", prefix = ""] = cidr.split("/");
  if (isIPv6(network) !== isIPv6(address)) return false;
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), family);
  return list.check(address, family);
}

function isPod(place: Place): place is PodPlace {
  return "labels" in place;
}
