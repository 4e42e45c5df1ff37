/** An endpoint that only says how many tokens a request to another one would be: it is read as that one reads it. */
import { readingOf } from "./tokenize.ts";
import type { Understood } from "./wire.ts";

export function countingOf(
  { model, ask, ignored }: Understood<"generate">,
  answer: (tokens: number) => object,
): Understood<"tokenize"> {
  return {
    model,
    ask: readingOf(ask),
    ignored,
    idPrefix: "count_",
    answer: (_head, events) => {
      const read = events.find((event) => event.type === "tokens");
      return answer(read?.tokens.length ?? 0);
    },
  };
}
