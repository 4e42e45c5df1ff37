/**
 * The times Kubernetes writes with six digits (leases, events). Ours know three of them.
 */

export function microTime(date: Date): string {
  return date.toISOString().replace("Z", "000Z");
}
