/**
 * Comparing resource versions: whole numbers of any size that grow with every write to a resource.
 *
 * Kubernetes promises the order since 1.35 and has kept to it long before. Numbers are compared as text,
 * because they may outgrow what JavaScript counts exactly.
 */

/** Negative when `a` is older than `b`; undefined when one of them is not a version. */
export function compareVersions(a: string, b: string): number | undefined {
  if (!isVersion(a) || !isVersion(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether `a` is as new as `b` or newer. What cannot be compared has to be the same. */
export function isAtLeast(a: string, b: string): boolean {
  return (compareVersions(a, b) ?? (a === b ? 0 : -1)) >= 0;
}

function isVersion(text: string): boolean {
  return /^[1-9][0-9]{0,127}$/.test(text);
}
