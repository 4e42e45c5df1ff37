/**
 * `field:` with nothing after it is the same as no field, as the API server sees it too.
 *
 * People leave such keys behind when they comment out what stood below them. A key that is no field
 * stays, so that it is still told as the slip it is.
 */
import { type KnownFields, LOCAL_MODEL_FIELDS } from "./known-fields.ts";

export function withoutNulls(
  value: unknown,
  fields: KnownFields = LOCAL_MODEL_FIELDS,
  path: readonly PropertyKey[] = [],
): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => withoutNulls(item, fields, [...path, index]));
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key, child]) => child !== null || isUnknown(key, fields.at(path)))
    .map(([key, child]) => [key, withoutNulls(child, fields, [...path, key])]);
  return Object.fromEntries(entries);
}

function isUnknown(key: string, fields: readonly string[]): boolean {
  return fields.length > 0 && !fields.includes(key);
}
