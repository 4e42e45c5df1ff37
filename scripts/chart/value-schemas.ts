/**
 * Schemas that values of the chart share.
 *
 * What the chart only passes on to Kubernetes is any map or list: the API server judges it. What becomes part of a
 * name, or would not be taken beside what the chart makes itself, is judged here. Helm's patterns are Go's, which
 * know no look-around.
 */
import { z } from "zod";

export const anyMap = z.looseObject({});
export const anyList = z.array(anyMap);
export const strings = z.record(z.string(), z.string());
export const port = z.int().min(1).max(65_535);
/** Kubernetes also takes a share, such as 50%. */
export const numberOrShare = z.union([z.int().min(0), z.string().regex(/^[0-9]{1,2}%$|^100%$/)]);

/** A name of an object of Kubernetes, or nothing. */
export const objectName = z
  .string()
  .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$/)
  .max(253);
export const namespace = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
  .max(63);
export const labels = z.record(
  z.string(),
  z
    .string()
    .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/)
    .max(63),
);
export const pullPolicy = z.enum(["", "Always", "IfNotPresent", "Never"]);
export const tag = z.string().regex(/^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$/);
export const digest = z.string().regex(/^(sha256:[0-9a-f]{64})?$/);

/** A list of named things, where the chart has some of its own. */
export function namedBeside(...taken: readonly string[]) {
  const name = z.string().min(1);
  return z.array(z.looseObject({ name: taken.length === 0 ? name : name.meta(not(taken)) }));
}

function not(names: readonly string[]) {
  return { not: { enum: names } };
}
