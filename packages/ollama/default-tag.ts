/** Clients of Ollama add its default tag to a name that has none: `m:latest` is `m`, where nothing else is called so. */
const DEFAULT_TAG = ":latest";

/** What this name leads to, or the same without the tag. */
export function foundByName<Found>(
  name: string,
  find: (name: string) => Found | undefined,
): Found | undefined {
  const found = find(name);
  if (found !== undefined || !name.endsWith(DEFAULT_TAG)) return found;
  return find(name.slice(0, -DEFAULT_TAG.length));
}
