/**
 * Events of events.k8s.io/v1: what happened to an object, for people to read.
 */
import { microTime } from "../time/micro-time.ts";
import type { KubeObject, ObjectMeta } from "../objects/objects.ts";
import { defineResource } from "../objects/resource.ts";

export type ObjectReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
};

/** What a controller says. */
export type Occurrence = {
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference;
  readonly type: "Normal" | "Warning";
  /** Why, for programs: UpperCamelCase, one of few. */
  readonly reason: string;
  /** What was done or tried, for programs. */
  readonly action: string;
  /** For people. Cut at 1024 bytes. */
  readonly note: string;
};

type EventSeries = { readonly count: number; readonly lastObservedTime: string };

export type KubeEvent = KubeObject &
  Occurrence & {
    readonly eventTime: string;
    readonly reportingController: string;
    readonly reportingInstance: string;
    readonly series?: EventSeries;
  };

export const EVENTS = defineResource<KubeEvent>({
  group: "events.k8s.io",
  version: "v1",
  plural: "events",
  kind: "Event",
  namespaced: true,
});

export type Reporter = {
  /** Qualified, such as `localmodel.dev/operator`. */
  readonly controller: string;
  /** The pod. */
  readonly instance: string;
};

const NOTE_MAX_BYTES = 1024;
const INSTANCE_MAX_CHARACTERS = 128;
const NAME_MAX_CHARACTERS = 253;

export function referenceTo(object: KubeObject): ObjectReference {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const optional = { namespace, uid, resourceVersion };
  const known = Object.entries(optional).filter(([, value]) => value !== undefined);
  const { apiVersion = "", kind = "" } = object;
  return { apiVersion, kind, name, ...Object.fromEntries(known) };
}

/** `unique`: makes the name one that no other event about the object has. */
export function newEvent(
  occurrence: Occurrence,
  { controller, instance }: Reporter,
  date: Date,
  unique: string,
): KubeEvent {
  const { regarding, note } = occurrence;
  const suffix = `.${unique}`;
  const metadata: ObjectMeta = {
    name: regarding.name.slice(0, NAME_MAX_CHARACTERS - suffix.length) + suffix,
    // Events about objects of the cluster live there.
    namespace: regarding.namespace ?? "default",
  };
  return {
    ...occurrence,
    note: cutAt(note, NOTE_MAX_BYTES),
    metadata,
    eventTime: microTime(date),
    reportingController: controller,
    reportingInstance: instance.slice(0, INSTANCE_MAX_CHARACTERS),
  };
}

function cutAt(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes - 3;
  // Not in the middle of a character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.subarray(0, end).toString("utf8")}...`;
}
