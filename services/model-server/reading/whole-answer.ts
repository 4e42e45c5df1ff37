/** All events of an answer, which must be complete. */
import type { Usage } from "@localmodel/inference/events.ts";
import type { AnyEvent } from "@localmodel/inference/operation.ts";
import { engineFailed } from "@localmodel/inference/unavailability.ts";

type WholeAnswer<Event> = { readonly events: readonly Event[]; readonly usage: Usage };

export async function wholeAnswer<Event extends AnyEvent>(
  stream: AsyncIterable<Event>,
): Promise<WholeAnswer<Event>> {
  const events: Event[] = [];
  for await (const event of stream) events.push(event);
  const last: AnyEvent | undefined = events.at(-1);
  if (last?.type !== "done") throw endedEarly();
  return { events, usage: last.usage };
}

/** An answer without its end must not pass for a complete one. */
export function endedEarly() {
  return engineFailed("The engine ended before the answer was complete.");
}
