/** Both ways of writing W3C's headers write the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { propagation } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { injectorOf } from "./inject.ts";

propagation.setGlobalPropagator(new W3CTraceContextPropagator());

const PLACE = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

function written(propagators: string | undefined, isRecording: boolean, traceState: string) {
  const headers: Record<string, string> = {};
  const inject = injectorOf({ OTEL_PROPAGATORS: propagators });
  inject(headers, { ...PLACE, isRecording }, traceState);
  return headers;
}

test("the default's headers are those that the SDK would write", () => {
  for (const isRecording of [true, false]) {
    for (const traceState of ["", "vendor=1", "a=1,b=2"]) {
      // Named twice, they are the SDK's business.
      const bySdk = written("tracecontext,tracecontext", isRecording, traceState);
      for (const propagators of [undefined, "", "tracecontext", "tracecontext,baggage"]) {
        assert.deepEqual(written(propagators, isRecording, traceState), bySdk);
      }
    }
  }
});

test("whoever asks for another format gets what the SDK has for it", (t) => {
  const inject = t.mock.method(propagation, "inject");
  for (const propagators of ["b3", "none", "tracecontext,b3"]) written(propagators, true, "");
  assert.equal(inject.mock.callCount(), 3);
});
