/** A dialect that the product does not have: its own errors, event names, comments and end of a stream. */
import type { Dialect } from "@localmodel/inference/dialect.ts";

export const plain: Dialect = {
  name: "plain",
  failure: ({ status, message }) => ({ status, headers: {}, body: { oops: message } }),
  stream: {
    contentType: "text/event-stream",
    comment: (text) => `: ${text}\n`,
    frame: ({ event, data }) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
    end: "event: bye\ndata: {}\n\n",
    failed: (body) => `event: oops\ndata: ${JSON.stringify(body)}\n\n`,
  },
};
