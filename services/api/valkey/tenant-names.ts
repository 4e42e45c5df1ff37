/**
 * What the names of one tenant's keys in Valkey begin with: a hash, never his name. It stands in braces, so that in a cluster
 * of Valkeys all that belongs to a tenant is in one place.
 */
import { createHash } from "node:crypto";

export function tenantStem(prefix: string, tenant: string): string {
  const hash = createHash("sha256").update(tenant).digest("hex").slice(0, 32);
  return `${prefix}:{${hash}}`;
}
