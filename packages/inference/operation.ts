/**
 * What an engine can be asked to do: for each operation what a client asks for, the request that becomes of it when the
 * model is known, and the events that answer it.
 *
 * An interface, so that an operation can be added beside its own code by declaring it again. Every operation's events
 * begin with `accepted` and end with `done`: whoever counts, meters or traces needs to know no more.
 */
import type { EmbedAsk, GenerateAsk } from "./asks.ts";
import type { EmbedEvent, EmbedRequest } from "./embed.ts";
import type { RerankAsk, RerankEvent, RerankRequest } from "./rerank.ts";
import type { TokenizeAsk, TokenizeEvent, TokenizeRequest } from "./tokenize.ts";
import type { GenerateEvent, GenerateRequest } from "./generate.ts";

export interface Operations {
  generate: {
    readonly ask: GenerateAsk;
    readonly request: GenerateRequest;
    readonly event: GenerateEvent;
  };
  tokenize: {
    readonly ask: TokenizeAsk;
    readonly request: TokenizeRequest;
    readonly event: TokenizeEvent;
  };
  rerank: { readonly ask: RerankAsk; readonly request: RerankRequest; readonly event: RerankEvent };
  embed: { readonly ask: EmbedAsk; readonly request: EmbedRequest; readonly event: EmbedEvent };
}

export type Operation = keyof Operations;
export type AskOf<Asked extends Operation> = Operations[Asked]["ask"];
export type RequestOf<Asked extends Operation> = Operations[Asked]["request"];
export type EventOf<Asked extends Operation> = Operations[Asked]["event"];
export type AnyEvent = EventOf<Operation>;

/** A request together with what it asks for. */
export type AnyRequest<Asked extends Operation = Operation> = {
  [One in Asked]: { readonly operation: One; readonly request: RequestOf<One> };
}[Asked];

/** TypeScript sees that the two belong together, but not by itself that they are then one of the union. */
export function pair<Asked extends Operation>(
  operation: Asked,
  request: RequestOf<Asked>,
): AnyRequest {
  const paired: AnyRequest<Asked> = { operation, request };
  return paired as AnyRequest;
}
