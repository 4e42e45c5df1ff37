/** POST /v1/responses/input_tokens: how many tokens a request to POST /v1/responses would be, which it is read as. */
import { readingOf } from "@localmodel/inference/tokenize.ts";
import type { Wire } from "@localmodel/inference/wire.ts";
import { RESPONSE_INPUT_TOKENS } from "../endpoints.ts";
import { responsesWire } from "./responses-wire.ts";

export const inputTokensWire: Wire<"tokenize"> = {
  endpoint: RESPONSE_INPUT_TOKENS,
  understand: (body, keeper) => {
    const { model, ask, ignored } = responsesWire.understand(body, keeper);
    return {
      model,
      ask: readingOf(ask),
      ignored,
      idPrefix: "count_",
      answer: (_head, events) => {
        const read = events.find((event) => event.type === "tokens");
        return { object: "response.input_tokens", input_tokens: read?.tokens.length ?? 0 };
      },
    };
  },
};
