/**
 * What the API service is told: pure, from the servers as they are.
 *
 * A server that serves answers to the ids it was started with, even when its document has other ones by
 * now. Every id is listed once: who serves it comes before who will.
 */
import {
  type Directory,
  type DirectoryModel,
  type Names,
  listedAs,
} from "@localmodel/localmodel/contracts/directory.ts";
import type { Stay } from "@localmodel/localmodel/contracts/stay.ts";
import type { DesiredModel } from "./desired.ts";
import type { ServerView } from "./server-view.ts";

export type Listing = {
  readonly model: Pick<
    DesiredModel,
    "key" | "name" | "ids" | "adapterIds" | "createdSeconds" | "activationTimeoutSeconds"
  >;
  readonly view: ServerView;
  readonly stay?: Stay | undefined;
};

export function directoryOf(listings: readonly Listing[]): Directory {
  const taken = new Set<string>();
  const entries = new Map<Listing, readonly DirectoryModel[]>();
  const free = (ids: readonly string[]): readonly string[] => {
    const own = ids.filter((id) => !taken.has(id));
    for (const id of own) taken.add(id);
    return own;
  };
  for (const listing of listings.toSorted((a, b) => rank(a) - rank(b))) {
    const { ids, adapterIds, name } = listing.model;
    const names = listedAs(free(ids), free(adapterIds), name);
    entries.set(
      listing,
      names.map((one) => entry(listing, one)),
    );
  }
  return { models: listings.flatMap((listing) => entries.get(listing) ?? []) };
}

function rank({ view }: Listing): number {
  return view.endpoint === undefined ? 1 : 0;
}

function entry({ model, view, stay }: Listing, names: Names): DirectoryModel {
  const { state, message, progress, header, facts, endpoint } = view;
  const { activationTimeoutSeconds } = model;
  return {
    ...names,
    createdSeconds: model.createdSeconds,
    server: model.key,
    state,
    message,
    // Whole percents: the API service need not hear of every block that arrives.
    ...(progress !== undefined && { progress: Math.floor(progress * 100) / 100 }),
    ...(activationTimeoutSeconds !== undefined && { activationTimeoutSeconds }),
    ...(header !== undefined && { facts: header }),
    ...(facts !== undefined && { facts, slots: facts.slots }),
    ...(stay !== undefined && { stay }),
    endpoints: endpoint === undefined ? [] : [endpoint],
  };
}
