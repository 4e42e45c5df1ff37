/**
 * What the API service is told: pure, from the servers as they are.
 *
 * A server that serves answers to the ids it was started with, even when its document has other ones by
 * now. Every id is listed once: who serves it comes before who will.
 */
import type { Directory, DirectoryModel } from "@localmodel/localmodel/directory.ts";
import type { DesiredModel } from "./desired.ts";
import type { ServerView } from "./server-view.ts";

export type Listing = {
  readonly model: Pick<DesiredModel, "ids" | "createdSeconds">;
  readonly view: ServerView;
};

export function directoryOf(listings: readonly Listing[]): Directory {
  const taken = new Set<string>();
  const entries = new Map<Listing, DirectoryModel>();
  for (const listing of listings.toSorted((a, b) => rank(a) - rank(b))) {
    const ids = listing.model.ids.filter((id) => !taken.has(id));
    for (const id of ids) taken.add(id);
    const [id, ...aliases] = ids;
    if (id !== undefined) entries.set(listing, entry(listing, id, aliases));
  }
  return { models: listings.flatMap((listing) => entries.get(listing) ?? []) };
}

function rank({ view }: Listing): number {
  return view.endpoint === undefined ? 1 : 0;
}

function entry({ model, view }: Listing, id: string, aliases: readonly string[]): DirectoryModel {
  const { state, message, progress, facts, endpoint } = view;
  return {
    id,
    aliases,
    createdSeconds: model.createdSeconds,
    state,
    message,
    // Whole percents: the API service need not hear of every block that arrives.
    ...(progress !== undefined && { progress: Math.floor(progress * 100) / 100 }),
    ...(facts !== undefined && { facts, slots: facts.slots }),
    endpoints: endpoint === undefined ? [] : [endpoint],
  };
}
