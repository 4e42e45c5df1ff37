/** POST /v1/messages/count_tokens: how many tokens a request to POST /v1/messages would be, which it is read as. */
import { readingOf } from "@localmodel/inference/tokenize.ts";
import type { Wire } from "@localmodel/inference/wire.ts";
import { COUNT_TOKENS } from "./endpoints.ts";
import { messagesWire } from "./messages-wire.ts";

export const countTokensWire: Wire<"tokenize"> = {
  endpoint: COUNT_TOKENS,
  understand: (body) => {
    const { model, ask, ignored } = messagesWire.understand(body);
    return {
      model,
      ask: readingOf(ask),
      ignored,
      idPrefix: "count_",
      answer: (_head, events) => {
        const read = events.find((event) => event.type === "tokens");
        return { input_tokens: read?.tokens.length ?? 0 };
      },
    };
  },
};
