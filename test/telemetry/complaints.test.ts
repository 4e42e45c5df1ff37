/** What the log of a service says when its telemetry does not arrive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiProcess } from "../support/api-process.ts";

test("a collector that cannot be reached is told in words, whatever else the SDK has warned of", async (t) => {
  await using api = await ApiProcess.start({
    models: [],
    environment: {
      // The discard port, on which nobody listens.
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9",
      OTEL_EXPORTER_OTLP_TIMEOUT: "300",
      OTEL_BSP_SCHEDULE_DELAY: "10",
      // Which is warned of at once.
      OTEL_TRACES_SAMPLER: "sometimes",
    },
  });
  await api.post("/v1/chat/completions", { model: "unknown", messages: [] });
  const hasSaid = (beginning: string): void => {
    const lines = api.lines.map(({ message }) => String(message));
    assert.ok(
      lines.some((line) => line.startsWith(beginning)),
      `${beginning}; found\n${lines.join("\n")}`,
    );
  };
  await t.waitFor(() => hasSaid('telemetry: OTEL_TRACES_SAMPLER is "sometimes"'), {
    timeout: 20_000,
  });
  await t.waitFor(() => hasSaid("telemetry cannot be sent: connect ECONNREFUSED"), {
    timeout: 20_000,
  });
});
