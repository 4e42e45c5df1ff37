/** POST /v1/responses/input_tokens: how many tokens a request to POST /v1/responses would be, which it is read as. */
import { countingOf } from "@localmodel/inference/counting.ts";
import type { Wire } from "@localmodel/inference/wire.ts";
import { RESPONSE_INPUT_TOKENS } from "../endpoints.ts";
import { responsesWire } from "./responses-wire.ts";

export const inputTokensWire: Wire<"tokenize"> = {
  endpoint: RESPONSE_INPUT_TOKENS,
  understand: (body, keeper) =>
    countingOf(responsesWire.understand(body, keeper), (tokens) => ({
      object: "response.input_tokens",
      input_tokens: tokens,
    })),
};
