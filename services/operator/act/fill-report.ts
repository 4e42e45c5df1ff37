/** What the filling of a cache means for a status. */
import type { Pod } from "@localmodel/kube/objects/core-resources.ts";
import { sentence } from "@localmodel/localmodel/contracts/sentence.ts";
import type { Decision } from "../decide/decide.ts";
import type { Fill } from "../decide/fill.ts";
import { waiting } from "../status/answers.ts";
import { failure } from "../status/advice.ts";
import type { Problem } from "../status/problem.ts";

type Filled = Pick<Decision, "fill">;

export function fetchPodOf(fill: Fill | undefined): readonly Pod[] {
  return fill?.kind === "filling" && fill.pod !== undefined ? [fill.pod] : [];
}

/** Besides what its pod says. */
export function fillProblems({ fill }: Filled): readonly Problem[] {
  switch (fill?.kind) {
    case "claim":
      return [claimProblem(fill.says)];
    case "queued":
      return [
        waiting(
          "load",
          "DownloadQueued",
          `The download waits: as many others from ${fill.host} are under way as there may be at once.`,
        ),
      ];
    case "filling":
      if (fill.says !== undefined) return [claimProblem(fill.says)];
      return fill.pod === undefined
        ? [waiting("load", "Downloading", "A pod that fetches the weights is being made.")]
        : [];
    case "filled":
    case "left":
    case "none":
    case undefined:
      return [];
  }
}

const NO_VOLUME = "The claim of spec.cache has no volume yet";

function claimProblem(says: Extract<Fill, { kind: "claim" }>["says"]): Problem {
  if (says?.isWarning !== true) return waiting("schedule", "Pending", `${NO_VOLUME}.`);
  return failure("VolumeMissing", `${NO_VOLUME}: ${sentence(says.message)}`);
}

/** Of a model that has no pods. */
export function fillNotes({ fill }: Filled, wanted: number): readonly string[] {
  if (wanted > 0) return [];
  if (fill?.kind === "filled") return ["Its weights are in the cache."];
  if (fill?.kind !== "left") return [];
  return [
    "Its cache is not filled ahead: the volume is made where the first pod runs, and has to be where devices are.",
  ];
}
