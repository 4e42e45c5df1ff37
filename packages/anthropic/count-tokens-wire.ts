/** POST /v1/messages/count_tokens: how many tokens a request to POST /v1/messages would be, which it is read as. */
import { countingOf } from "@localmodel/inference/counting.ts";
import type { Wire } from "@localmodel/inference/wire.ts";
import { COUNT_TOKENS } from "./endpoints.ts";
import { messagesWire } from "./messages-wire.ts";

export const countTokensWire: Wire<"tokenize"> = {
  endpoint: COUNT_TOKENS,
  understand: (body) =>
    countingOf(messagesWire.understand(body), (tokens) => ({ input_tokens: tokens })),
};
