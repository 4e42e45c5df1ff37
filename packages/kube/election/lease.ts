/**
 * Who may take a lease, decided without trusting anybody's clock but one's own.
 *
 * A candidate never compares the times in a lease with its own: clocks differ. It notes when it saw the
 * lease change last, and takes it when it has not changed for the whole duration.
 */
import { microTime } from "../time/micro-time.ts";
import type { KubeObject } from "../objects/objects.ts";
import { defineResource } from "../objects/resource.ts";

type LeaseSpec = {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
};

export type Lease = KubeObject & { readonly spec?: LeaseSpec };

export const LEASES = defineResource<Lease>({
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  kind: "Lease",
  namespaced: true,
});

/** A lease, and when it was first seen as it is. */
export type Sighting = { readonly lease: Lease; readonly sinceMs: number };

export function see(lease: Lease, previous: Sighting | undefined, nowMs: number): Sighting {
  const unchanged =
    previous !== undefined && JSON.stringify(previous.lease.spec) === JSON.stringify(lease.spec);
  return { lease, sinceMs: unchanged ? previous.sinceMs : nowMs };
}

/** Whether `identity` may write itself into the lease. */
export function mayTake({ lease, sinceMs }: Sighting, identity: string, nowMs: number): boolean {
  const { holderIdentity = "", leaseDurationSeconds = 0 } = lease.spec ?? {};
  if (holderIdentity === "" || holderIdentity === identity) return true;
  return nowMs >= sinceMs + leaseDurationSeconds * 1000;
}

type Claim = { readonly identity: string; readonly leaseMs: number; readonly date: Date };

/** What the holder writes, be it new or renewing. */
export function claimed(lease: Lease | undefined, { identity, leaseMs, date }: Claim): LeaseSpec {
  const known = lease?.spec;
  const now = microTime(date);
  const isRenewal = known?.holderIdentity === identity;
  const transitions = known?.leaseTransitions ?? 0;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaseMs / 1000),
    acquireTime: isRenewal ? (known?.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: known === undefined || isRenewal ? transitions : transitions + 1,
  };
}

/** What a holder writes that goes: the next one need not wait. */
export function released(lease: Lease, date: Date): LeaseSpec {
  const now = microTime(date);
  return {
    holderIdentity: "",
    leaseDurationSeconds: 1,
    acquireTime: now,
    renewTime: now,
    leaseTransitions: lease.spec?.leaseTransitions ?? 0,
  };
}
