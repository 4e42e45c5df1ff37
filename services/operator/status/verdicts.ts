/**
 * What each condition says of a situation.
 *
 *   SourceResolved  it is known where the weights are and what they are
 *   Scheduled       every replica asked for has a node
 *   Loaded          every replica asked for has its weights in memory and answers
 *   Progressing     the cluster is on its way to what is asked for, without anybody's help
 *   Accelerated     all layers that are meant for devices are on them; only there where devices are asked for
 *   Ready           all that is asked for is there: every replica, of this generation, under its own id
 *   Stalled         something waits for a person; only there while that is so, for programs that wait for Ready (kstatus)
 *   Active          at least one replica is asked for, and has the weights in memory or is about to
 *
 * A model that sleeps has all that is asked for: it is Ready, and not Active.
 *
 * Ready sums up. It is Unknown while pods answer and the rest is on its way (a roll, a scale-up), and False
 * when none answers or when something waits for a person; its message then says how many answer
 * nevertheless. So `kubectl wait --for=condition=Ready` and Helm wait for the new version, not for the old.
 */
import type { ConditionReason } from "@localmodel/localmodel/cluster/condition-reasons.ts";
import type { Condition } from "@localmodel/localmodel/resource/status-spec.ts";
import type { Problem, Stage } from "./problem.ts";
import { isSettled, type Situation } from "./situation.ts";

export type Verdict = Pick<Condition, "status" | "reason" | "message">;

const DEVICE_PROBLEMS: ReadonlySet<string> = new Set<ConditionReason>([
  "AcceleratorMissing",
  "DriverTooOld",
  "VramTooSmall",
]);

const SUSPENDED = {
  reason: "Suspended",
  message: "Suspended: spec.replicas is 0. Set it to 1 or more to serve the model.",
};
const ASLEEP = {
  reason: "Asleep",
  message: "It sleeps: the first request that names it wakes it.",
};
const UNLOADED = {
  reason: "Asleep",
  message: "It sleeps: the first request that names it has a pod load its weights.",
};
const PENDING = { reason: "Pending", message: "The pods are being made." };

export function sourceResolved(situation: Situation): Verdict {
  const problem = problemOf(situation, "source");
  if (problem !== undefined) {
    return { status: problem.waits ? "Unknown" : "False", ...saying(problem) };
  }
  if (situation.isResolved) return yes("Resolved", "The weights have been found and read.");
  return { status: "Unknown", ...whyNot(situation) };
}

export function scheduled(situation: Situation): Verdict {
  const { wanted, pods } = situation;
  const problem = problemOf(situation, "schedule");
  if (problem !== undefined) return no(problem);
  if (wanted > 0 && !situation.isInspecting && pods.currentScheduled >= wanted) {
    return yes("Scheduled", `Every pod has a node: ${pods.currentScheduled}.`);
  }
  return { status: "Unknown", ...whyNot(situation) };
}

export function loaded(situation: Situation): Verdict {
  const { pods } = situation;
  const problem = problemOf(situation, "load");
  if (problem !== undefined) return no(problem);
  if (situation.isUnloaded) return no(UNLOADED);
  if (situation.wanted > 0 && !situation.isInspecting && pods.currentReady >= situation.wanted) {
    return yes("Loaded", `Pods that have loaded the weights: ${pods.currentReady}.`);
  }
  return { status: "False", ...whyNot(situation) };
}

/** What will not get better without anybody's help. */
function failureIn({ blocker, problems }: Situation): Problem | undefined {
  return [blocker, ...problems].find((problem) => problem?.waits === false);
}

export function isStalled(situation: Situation): boolean {
  return failureIn(situation) !== undefined && bareReady(situation).status !== "True";
}

export function stalled(situation: Situation): Verdict {
  const failed = failureIn(situation);
  return { status: "True", ...(failed === undefined ? whyNot(situation) : saying(failed)) };
}

export function progressing(situation: Situation): Verdict {
  const failed = failureIn(situation);
  if (failed !== undefined) return no(failed);
  // What has no pods may have its cache filled nevertheless.
  const isFilling = situation.wanted === 0 && situation.problems.length > 0;
  if (situation.wanted === 0 && !situation.isAsleep && !isFilling) return no(SUSPENDED);
  if (situation.isAsleep ? !situation.isInspecting && !isFilling : isSettled(situation))
    return no({ reason: "Complete", message: "All that is asked for is there." });
  return yes(...reasonAndMessage(whyNot(situation)));
}

export function active({ blocker, wanted, isAsleep, isUnloaded }: Situation): Verdict {
  if (blocker !== undefined) return { status: "Unknown", ...saying(blocker) };
  if (wanted === 0) return no(isAsleep ? ASLEEP : SUSPENDED);
  if (isUnloaded) return no(UNLOADED);
  return yes("Active", `Replicas asked for: ${wanted}.`);
}

/** A device whose server fails is told by the failure; one that serves without, by what it says itself. */
export function accelerated(situation: Situation): Verdict {
  const { accelerator } = situation;
  const failed = situation.problems.find(({ reason }) => DEVICE_PROBLEMS.has(reason));
  if (failed !== undefined) return no(failed);
  if (accelerator === undefined) return { status: "Unknown", ...whyNot(situation) };
  const { problem, layers, ofLayers, devices } = accelerator;
  if (problem !== undefined) return no(problem);
  // What servers of a version before do not tell.
  if (devices.length === 0) {
    return no({ reason: "AcceleratorMissing", message: "The server finds none of its devices." });
  }
  const where = `on ${devices.join(", ")}.`;
  return yes(
    "Accelerated",
    layers === undefined ? `The model is ${where}` : `${layers} of ${ofLayers} layers are ${where}`,
  );
}

export function ready(situation: Situation): Verdict {
  const verdict = bareReady(situation);
  return { ...verdict, message: [verdict.message, ...situation.notes].join(" ") };
}

function bareReady(situation: Situation): Verdict {
  const { blocker, problems, wanted, pods, modelId, isAsleep } = situation;
  if (blocker !== undefined) return no(blocker, answering(situation));
  if (isAsleep) return readyAsleep(situation);
  if (wanted === 0) return no(SUSPENDED);
  if (isSettled(situation)) {
    return yes("Ready", `Answers as "${modelId}" from ${podCount(pods.ready)}.`);
  }
  const [first] = problems;
  if (first !== undefined && !first.waits) return no(first, answering(situation));
  if (pods.ready === 0) return no(whyNot(situation));
  const message = `${pods.currentReady} of ${wanted} pods are up to date. ${whyNot(situation).message}`;
  return { status: "Unknown", reason: "RollingOut", message: message + answering(situation) };
}

/** What sleeps as it should is as well as what serves: whoever waits for Ready need not wake it. */
function readyAsleep(situation: Situation): Verdict {
  const { problems, isInspecting } = situation;
  if (problems.length > 0 || isInspecting) return no(whyNot(situation));
  return yes(ASLEEP.reason, ASLEEP.message);
}

/** The first thing that is not done yet. */
function whyNot(situation: Situation): Pick<Verdict, "reason" | "message"> {
  const first = situation.blocker ?? situation.problems[0];
  if (first !== undefined) return saying(first);
  if (situation.isAsleep) return situation.isInspecting ? PENDING : ASLEEP;
  if (situation.wanted === 0) return SUSPENDED;
  return situation.isUnloaded ? UNLOADED : PENDING;
}

function problemOf({ blocker, problems }: Situation, stage: Stage): Problem | undefined {
  return [blocker, ...problems].find((problem) => problem?.stage === stage);
}

function answering({ pods }: Situation): string {
  if (pods.ready === 0) return "";
  return ` Meanwhile ${podCount(pods.ready)} ${pods.ready === 1 ? "answers" : "answer"}.`;
}

function podCount(count: number): string {
  return count === 1 ? "1 pod" : `${count} pods`;
}

function yes(reason: string, message: string): Verdict {
  return { status: "True", reason, message };
}

function no({ reason, message }: Pick<Verdict, "reason" | "message">, more = ""): Verdict {
  return { status: "False", reason, message: message + more };
}

function saying({ reason, message }: Problem) {
  return { reason, message };
}

function reasonAndMessage({ reason, message }: Pick<Verdict, "reason" | "message">) {
  return [reason, message] as const;
}
