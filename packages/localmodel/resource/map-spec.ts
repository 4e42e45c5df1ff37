/**
 * Maps with bounded size and checked keys: labels, annotations, resource names.
 *
 * A structural schema cannot describe the keys of a map, so their rule exists twice from one
 * pattern: as a check here and as CEL in the CRD.
 */
import { z } from "zod";
import { boundedString, textLike } from "./text.ts";

type KeyRule = {
  readonly pattern: RegExp;
  readonly maxLength: number;
  readonly rule: string;
};

/** A label, annotation or resource name: an optional DNS prefix and a name. */
export const QualifiedName: KeyRule = {
  pattern:
    /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
  maxLength: 317,
  rule: 'a qualified name such as "example.com/name"',
};

export const LabelValue = textLike(
  63,
  /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/,
  'a label value: letters, digits, "-", "_" and ".", starting and ending with a letter or digit',
);

/** A map from keys that follow `key` to `value`, with at most `maxProperties` entries. */
export function mapOf<Value extends z.ZodType>(key: KeyRule, value: Value, maxProperties: number) {
  return z
    .record(z.string(), value)
    .check((payload) => {
      const keys = Object.keys(payload.value);
      for (const name of keys.filter((it) => !follows(key, it))) {
        payload.issues.push({
          code: "custom",
          path: [name],
          message: `must have as its key ${key.rule}; found ${JSON.stringify(name.slice(0, 80))}`,
          input: payload.value,
        });
      }
      if (keys.length <= maxProperties) return;
      payload.issues.push({
        code: "custom",
        message: `must have at most ${maxProperties} entries; found ${keys.length}`,
        input: payload.value,
      });
    })
    .meta({
      maxProperties,
      "x-kubernetes-validations": [
        {
          rule: `self.all(key, size(key) <= ${key.maxLength} && key.matches(r'${key.pattern.source}'))`,
          message: `every key must be ${key.rule}`,
        },
      ],
    });
}

function follows(key: KeyRule, name: string): boolean {
  return name.length <= key.maxLength && key.pattern.test(name);
}

export const NodeSelector = mapOf(QualifiedName, LabelValue, 64);

/** Labels and annotations the operator must be free to set itself. */
const RESERVED_PREFIX = "localmodel.dev/";

const RESERVED = `keys must not start with "${RESERVED_PREFIX}", which belongs to the operator`;
const podMaps = ["labels", "annotations"] as const;

export const PodMetadata = z
  .strictObject({
    labels: mapOf(QualifiedName, LabelValue, 64)
      .exactOptional()
      .describe("Labels added to every pod, for instance a queue name."),
    annotations: mapOf(QualifiedName, boundedString(16_384), 64)
      .exactOptional()
      .describe("Annotations added to every pod."),
  })
  .check((payload) => {
    for (const field of podMaps) {
      const keys = Object.keys(payload.value[field] ?? {});
      if (!keys.some((key) => key.startsWith(RESERVED_PREFIX))) continue;
      payload.issues.push({
        code: "custom",
        path: [field],
        message: RESERVED,
        input: payload.value[field],
      });
    }
  })
  .meta({
    "x-kubernetes-validations": podMaps.map((field) => ({
      rule: `!has(self.${field}) || self.${field}.all(key, !key.startsWith('${RESERVED_PREFIX}'))`,
      message: RESERVED,
    })),
  });
