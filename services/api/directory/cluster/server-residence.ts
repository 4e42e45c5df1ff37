/**
 * Which of a model's ready pods have its weights in memory, and what clients are told while none has.
 *
 * Pure. A pod that has not said so yet is left out: it is asked as soon as it is ready, which takes no time. One that cannot
 * be asked is taken for awake: it holds requests itself until it is.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { Residence } from "@localmodel/localmodel/contracts/residence.ts";
import type { Explanation } from "./model-state.ts";

/** What the server at a URL said last; undefined while it has not said anything. */
export type ResidenceOf = (url: string) => Residence | undefined;

type Divided = Required<Pick<DirectoryModel, "endpoints" | "sleepers">> & {
  /** What is said of those that sleep. */
  readonly asleep: Explanation;
};

export function dividedByResidence(urls: readonly string[], residenceOf: ResidenceOf): Divided {
  const said = urls.map((url) => ({ url, residence: residenceOf(url) }));
  const isAwake = ({ residence }: (typeof said)[number]): boolean => residence?.state === "awake";
  return {
    endpoints: said.filter(isAwake).map(({ url }) => url),
    sleepers: said.filter((one) => !isAwake(one)).map(({ url }) => url),
    asleep: explained(said.map(({ residence }) => residence)),
  };
}

/** Of several that load, the one that has come furthest. */
function explained(residences: readonly (Residence | undefined)[]): Explanation {
  const loading = residences.filter((one) => one?.state === "loading");
  const [first] = loading.toSorted((a, b) => b.progress - a.progress);
  if (first !== undefined) {
    const { message, progress } = first;
    return { state: "loading", reason: "Loading", message, progress };
  }
  const sleeping = residences.filter((one) => one?.state === "asleep");
  const asleep = sleeping.find((one) => one.reason !== undefined) ?? sleeping[0];
  if (asleep === undefined) return UNKNOWN;
  const { reason = "Asleep", message } = asleep;
  return { state: "asleep", reason, message };
}

const UNKNOWN: Explanation = {
  state: "loading",
  reason: "Loading",
  message: "Its pods are asked whether they have its weights in memory.",
};
