/**
 * Ollama's dialect: an error is a sentence, and a stream is lines of JSON, of which the last says that it is done.
 *
 * Its clients read every line, so there are no comments: what keeps an idle stream open is a space, which stands before the
 * next line's JSON and means nothing there.
 */
import type { Dialect } from "@localmodel/inference/dialect.ts";
import { PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import { failureHeaders } from "@localmodel/inference/failure-headers.ts";

const line = (data: object): string => `${JSON.stringify(data)}\n`;

export const ollama: Dialect = {
  name: "ollama",
  failure: (failure, { promptField = "prompt" }) => ({
    status: failure.status,
    headers: failureHeaders(failure),
    body: { error: failure.data.message.replaceAll(PROMPT_FIELD, promptField) },
  }),
  stream: {
    contentType: "application/x-ndjson",
    framing: "lines",
    comment: () => " ",
    frame: ({ data }) => line(data),
    end: "",
    last: '"done":true',
    failed: line,
  },
};
