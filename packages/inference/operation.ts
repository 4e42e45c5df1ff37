/**
 * What an engine can be asked to do, each with its request and the events that answer it.
 *
 * An interface, so that an operation can be added beside its own code by declaring it again. Every operation's events
 * begin with `accepted` and end with `done`: whoever counts, meters or traces needs to know no more.
 */
import type { EmbedEvent, EmbedRequest } from "./embed.ts";
import type { GenerateEvent, GenerateRequest } from "./generate.ts";

export interface Operations {
  generate: { readonly request: GenerateRequest; readonly event: GenerateEvent };
  embed: { readonly request: EmbedRequest; readonly event: EmbedEvent };
}

export type Operation = keyof Operations;
export type RequestOf<Asked extends Operation> = Operations[Asked]["request"];
export type EventOf<Asked extends Operation> = Operations[Asked]["event"];
export type AnyEvent = EventOf<Operation>;
