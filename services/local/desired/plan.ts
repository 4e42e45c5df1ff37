/**
 * From what should run and what does run to what to do about it. Pure, and safe to ask again at any time.
 *
 * For each model, in this order:
 *
 *   1. nobody wants it any more: stop all its servers
 *   2. no server of the wanted revision exists: start one
 *   3. the wanted one serves: stop those it replaces
 *   4. the wanted one does not serve yet, or never will: a server of an older revision that serves stays,
 *      one that does not serve is stopped
 *
 * So a changed model is loaded beside the one it replaces: for that time both are in memory, and no
 * request finds nothing.
 */
import type { DesiredModel } from "./desired.ts";

export type RunningServer = {
  readonly number: number;
  readonly key: string;
  readonly revision: string;
  readonly status: "coming" | "serving" | "failed" | "stopping";
};

export type Action =
  | { readonly type: "start"; readonly model: DesiredModel }
  | { readonly type: "stop"; readonly number: number };

export function plan(
  desired: readonly DesiredModel[],
  running: readonly RunningServer[],
): readonly Action[] {
  const active = running.filter((server) => server.status !== "stopping");
  const wantedKeys = new Set(desired.map((model) => model.key));
  const unwanted = active.filter((server) => !wantedKeys.has(server.key));
  return [...unwanted.map(stop), ...desired.flatMap((model) => planModel(model, active))];
}

function planModel(model: DesiredModel, active: readonly RunningServer[]): readonly Action[] {
  const own = active.filter((server) => server.key === model.key);
  const wanted = own.find((server) => server.revision === model.revision);
  const replaced = own.filter((server) => server.revision !== model.revision);
  if (wanted?.status === "serving") return replaced.map(stop);
  const useless = replaced.filter((server) => server.status !== "serving").map(stop);
  return wanted === undefined ? [{ type: "start", model }, ...useless] : useless;
}

function stop({ number }: RunningServer): Action {
  return { type: "stop", number };
}
