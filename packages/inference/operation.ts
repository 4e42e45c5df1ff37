/**
 * What an engine can be asked to do: for each operation what a client asks for, the request that becomes of it when the
 * model is known, and the events that answer it.
 *
 * An interface, so that an operation can be added beside its own code by declaring it again. Every operation's events
 * begin with `accepted` and end with `done`: whoever counts, meters or traces needs to know no more.
 */
import type { EmbedAsk, GenerateAsk } from "./asks.ts";
import type { EmbedEvent, EmbedRequest } from "./embed.ts";
import type { GenerateEvent, GenerateRequest } from "./generate.ts";

export interface Operations {
  generate: {
    readonly ask: GenerateAsk;
    readonly request: GenerateRequest;
    readonly event: GenerateEvent;
  };
  embed: { readonly ask: EmbedAsk; readonly request: EmbedRequest; readonly event: EmbedEvent };
}

export type Operation = keyof Operations;
export type AskOf<Asked extends Operation> = Operations[Asked]["ask"];
export type RequestOf<Asked extends Operation> = Operations[Asked]["request"];
export type EventOf<Asked extends Operation> = Operations[Asked]["event"];
export type AnyEvent = EventOf<Operation>;

/** A request together with what it asks for. */
export type AnyRequest = {
  [Asked in Operation]: { readonly operation: Asked; readonly request: RequestOf<Asked> };
}[Operation];
