/**
 * What of a change of status people should hear of as an event: that a model became ready, and that
 * something stands in its way that waits for a person.
 *
 * What demand made of the number of replicas is one as well. Progress is not an event; the status tells it as long as it lasts.
 */
import type { Occurrence } from "@localmodel/kube/events/event.ts";
import type { Condition, LocalModelStatus } from "@localmodel/localmodel/resource/status-spec.ts";
import { readyCondition } from "../status/status.ts";

type Transition = Pick<Occurrence, "type" | "reason" | "action" | "note">;

export function transitions(
  before: LocalModelStatus,
  after: LocalModelStatus,
): readonly Transition[] {
  return [
    ...readyTransitions(before, after),
    ...scaleTransitions(before, after),
    ...loadTransitions(before, after),
    ...cacheTransitions(before, after),
  ];
}

function cacheTransitions(
  { cache: was }: LocalModelStatus,
  { cache: is }: LocalModelStatus,
): readonly Transition[] {
  if (is === undefined || is.sourceHash === was?.sourceHash) return [];
  const note = "All files of the model are in its cache.";
  return [{ type: "Normal", reason: "CacheFilled", action: "Fetch", note }];
}

/** The first number is no change. */
function scaleTransitions(
  { scaling: was }: LocalModelStatus,
  { scaling: is }: LocalModelStatus,
): readonly Transition[] {
  if (was === undefined || is === undefined || was.desired === is.desired) return [];
  const note = `From ${was.desired} to ${is.desired}. ${is.message}`;
  return [{ type: "Normal", reason: scaleReason(was.desired, is.desired), action: "Scale", note }];
}

/** Of a model whose pods stay while it sleeps. */
function loadTransitions(before: LocalModelStatus, after: LocalModelStatus): readonly Transition[] {
  const desired = after.scaling?.desired ?? 0;
  if (desired === 0 || before.scaling?.desired !== desired) return [];
  const reason = LOAD_REASONS[`${activeReason(before)} ${activeReason(after)}`];
  return reason === undefined
    ? []
    : [{ type: "Normal", reason, action: "Scale", note: LOAD_NOTES[reason] }];
}

type LoadReason = "FellAsleep" | "Woken";

/** By what the condition Active was and is. */
const LOAD_REASONS: Readonly<Record<string, LoadReason | undefined>> = {
  "Active Asleep": "FellAsleep",
  "Asleep Active": "Woken",
};

const LOAD_NOTES: Readonly<Record<LoadReason, string>> = {
  FellAsleep: "Its pods stay, and none of them has its weights in memory.",
  Woken: "One of its pods has its weights in memory, or loads them.",
};

function activeReason({ conditions = [] }: LocalModelStatus): string {
  return conditions.find(({ type }) => type === "Active")?.reason ?? "";
}

function scaleReason(was: number, is: number): string {
  if (is === 0) return "FellAsleep";
  if (was === 0) return "Woken";
  return is > was ? "ScaledUp" : "ScaledDown";
}

function readyTransitions(
  before: LocalModelStatus,
  after: LocalModelStatus,
): readonly Transition[] {
  const [was, is] = [readyCondition(before), readyCondition(after)];
  if (is === undefined || sameState(was, is)) return [];
  if (is.reason === "Asleep") return [];
  if (is.status === "True") return [transition("Normal", is)];
  if (is.reason === "Suspended") return [transition("Normal", is)];
  return waitsForAPerson(after) ? [transition("Warning", is)] : [];
}

/** An alias that was lost or won back changes the words alone. */
function sameState(was: Condition | undefined, is: Condition): boolean {
  if (was?.status !== is.status || was.reason !== is.reason) return false;
  return is.status !== "True" || was.message === is.message || !is.message.includes("alias");
}

/** Progressing is False with the same reason when nothing goes on by itself. */
function waitsForAPerson({ conditions = [] }: LocalModelStatus): boolean {
  return conditions.find(({ type }) => type === "Progressing")?.status === "False";
}

function transition(type: Transition["type"], { reason, message }: Condition): Transition {
  return { type, reason, action: "Reconcile", note: message };
}
