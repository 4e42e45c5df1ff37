/**
 * A model on its way to being served, at one moment: what others are told about it.
 */
import type { DirectoryModel } from "@localmodel/localmodel/contracts/directory.ts";
import type { ModelFacts, ServerState } from "@localmodel/localmodel/contracts/server-state.ts";

export type ServerView = {
  readonly state: DirectoryModel["state"];
  /** For a person: how far it is, or what is wrong. */
  readonly message: string;
  readonly progress?: number;
  /** Once it has been loaded. */
  readonly facts?: ModelFacts;
  /** What the header of its weights says, before that. */
  readonly header?: Partial<ModelFacts>;
  /** Set exactly while requests may be sent to it. */
  readonly endpoint?: string;
};

/** What a server says about itself, as a view; undefined for states that only announce its end. */
export function viewOfServer(state: ServerState, port: number | undefined): ServerView | undefined {
  switch (state.state) {
    case "loading":
      return { state: "loading", message: state.message, progress: state.progress };
    // No server of this machine is told to sleep by itself; if one does, it serves.
    case "asleep":
    case "ready":
      if (port === undefined) return { state: "loading", message: "opening its port" };
      return {
        state: "ready",
        message: state.message,
        ...(state.model && { facts: state.model }),
        endpoint: `http://127.0.0.1:${port}`,
      };
    case "restarting":
      return { state: "restarting", message: state.message };
    case "draining":
    case "failed":
      return undefined;
  }
}
