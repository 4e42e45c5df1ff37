/**
 * How far the models of this operator are with an upgrade: from the caches, and what passes have just decided.
 *
 * Several workers decide at the same time, and caches show what they wrote a moment later: who begins to roll says so
 * here, and counts until its Deployment tells it.
 */
import { DEPLOYMENTS, type Deployment } from "@localmodel/kube/objects/core-resources.ts";
import type { Change } from "@localmodel/kube/cache/object-cache.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { type FleetMember, isComplete, memberOf } from "../model/fleet.ts";
import { type Caches, modelKeysOf } from "./caches.ts";

export class FleetView {
  readonly #caches: Caches;
  readonly #maxRolling: number;
  /** By key of the LocalModel: the platform's revision that it begins to roll to. */
  readonly #begun = new Map<string, string>();
  readonly #waiting = new Set<string>();

  constructor(caches: Caches, maxRolling: number) {
    this.#caches = caches;
    this.#maxRolling = maxRolling;
  }

  /** Not to be kept: it changes with every pass. */
  now(): { readonly members: readonly FleetMember[]; readonly maxRolling: number } {
    return { members: this.#members(), maxRolling: this.#maxRolling };
  }

  #members(): readonly FleetMember[] {
    const known = this.#caches.sets.flatMap((set) =>
      (set.cacheOf(DEPLOYMENTS)?.list() ?? []).flatMap((deployment) =>
        modelKeysOf(deployment).map((key) => memberOf(key, deployment as Deployment)),
      ),
    );
    return known.map((member) => this.#asBegun(member));
  }

  begin(key: string, platform: string): void {
    this.#begun.set(key, platform);
  }

  /** Whether the model waits for others. */
  queue(key: string, waits: boolean): void {
    if (waits) this.#waiting.add(key);
    else this.#waiting.delete(key);
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
    this.#waiting.delete(key);
  }

  #asBegun(member: FleetMember): FleetMember {
    const platform = this.#begun.get(member.key);
    if (platform === undefined) return member;
    if (member.platform !== platform) {
      return { ...member, platform, isUpgrade: true, isComplete: false };
    }
    this.#begun.delete(member.key);
    return member;
  }
}
