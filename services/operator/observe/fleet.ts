/**
 * How far the models of this operator are with an upgrade: from the caches, and what passes have just decided.
 *
 * Several workers decide at the same time, and caches show what they wrote a moment later: who begins to roll says so
 * here, and counts until its Deployment tells it.
 */
import { DEPLOYMENTS, type Deployment, type Pod } from "@localmodel/kube/objects/core-resources.ts";
import type { Change } from "@localmodel/kube/cache/object-cache.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { type Aim, type FleetMember, isComplete, memberOf } from "../model/fleet.ts";
import { findsNoNode, isEnding, isReady, stayingOf } from "../status/pod-problem.ts";
import { replicaProblem } from "../status/refusal.ts";
import { deployedRevision, revisionOf } from "../status/situation.ts";
import { type Caches, modelKeysOf } from "./caches.ts";

/** What a pass has come to, as far as it concerns others. */
type Said = {
  readonly aim: Aim;
  /** Whether the model waits for others. */
  readonly waits: boolean;
  /** Whether none of its old pods can make room for a new one. */
  readonly hasNoRoom: boolean;
};

/** Of a kubelet that is there. */
const END_PATIENCE_MS = 60_000;

export class FleetView {
  readonly #caches: Pick<Caches, "sets">;
  readonly #maxRolling: number;
  /** By key of the LocalModel: the platform's revision that it begins to roll to. */
  readonly #begun = new Map<string, string>();
  readonly #said = new Map<string, Said>();
  readonly #waiting = new Set<string>();

  constructor(caches: Pick<Caches, "sets">, maxRolling: number) {
    this.#caches = caches;
    this.#maxRolling = maxRolling;
  }

  /** Not to be kept: it changes with every pass. */
  now(nowMs: number): { readonly members: readonly FleetMember[]; readonly maxRolling: number } {
    return { members: this.#members(nowMs), maxRolling: this.#maxRolling };
  }

  #members(nowMs: number): readonly FleetMember[] {
    return this.#caches.sets.flatMap((set) =>
      ((set.cacheOf(DEPLOYMENTS)?.list() ?? []) as readonly Deployment[]).flatMap((deployment) =>
        modelKeysOf(deployment).map((key) => {
          const member = { ...memberOf(key, deployment), ...this.#aimOf(key) };
          const isRolling = member.isUpgrade && !member.isComplete;
          const pods = isRolling ? set.serversOf(key) : [];
          const hasNoRoom = this.#said.get(key)?.hasNoRoom === true;
          return this.#asBegun({
            ...member,
            ...(isRolling && progressOf(deployment, pods, { hasNoRoom, nowMs })),
          });
        }),
      ),
    );
  }

  begin(key: string, platform: string): void {
    this.#begun.set(key, platform);
  }

  decided(key: string, said: Said): void {
    this.#said.set(key, said);
    if (said.waits) this.#waiting.add(key);
    else this.#waiting.delete(key);
  }

  /** Of a model whose pods are left as they are. */
  stays(key: string): void {
    this.decided(key, { aim: "nothing", waits: false, hasNoRoom: false });
  }

  /** Who may have a turn after a change of somebody's Deployment. */
  concernedBy(change: Change<KubeObject>): readonly string[] {
    if (this.#waiting.size === 0) return [];
    const isSame =
      change.type === "updated" && isComplete(change.object) === isComplete(change.previous);
    return isSame ? [] : [...this.#waiting];
  }

  forget(key: string): void {
    this.#begun.delete(key);
    this.#said.delete(key);
    this.#waiting.delete(key);
  }

  #aimOf(key: string): Pick<FleetMember, "aim"> {
    const said = this.#said.get(key);
    return said === undefined ? {} : { aim: said.aim };
  }

  #asBegun(member: FleetMember): FleetMember {
    const platform = this.#begun.get(member.key);
    if (platform === undefined) return member;
    if (member.platform !== platform) {
      const nothingYet = { isComplete: false, updatedServes: false, isStuck: false };
      return { ...member, platform, isUpgrade: true, ...nothingYet };
    }
    this.#begun.delete(member.key);
    return member;
  }
}

/** Of a roll that is not complete: what its pods tell besides. */
function progressOf(
  deployment: Deployment,
  pods: readonly Pod[],
  { hasNoRoom, nowMs }: { readonly hasNoRoom: boolean; readonly nowMs: number },
): Pick<FleetMember, "updatedServes" | "isStuck"> {
  const revision = deployedRevision(deployment);
  const staying = stayingOf(pods);
  const current = staying.filter((pod) => revisionOf(pod) === revision);
  const isRefused = replicaProblem(deployment) !== undefined;
  const lacksPlace = isRefused || current.some(findsNoNode);
  const isEveryOther = current.every((pod) => isReady(pod) || findsNoNode(pod));
  const isLast = hasNoRoom || isRefused || staying.length === current.length;
  const isAwaited = pods.some((pod) => isEnding(pod) && endOf(pod) + END_PATIENCE_MS > nowMs);
  return {
    updatedServes: current.some(isReady),
    isStuck: lacksPlace && isEveryOther && isLast && !isAwaited,
  };
}

/** When the kubelet ends what has not ended by itself: a pod that drains keeps its place until then. */
function endOf({ metadata }: Pod): number {
  return Date.parse(metadata.deletionTimestamp ?? "");
}
