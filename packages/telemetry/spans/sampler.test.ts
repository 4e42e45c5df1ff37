/** Which traces are kept, by the standard variables. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { samplerOf } from "./sampler.ts";

test("what each name of the specification means", () => {
  const descriptions: Readonly<Record<string, RegExp>> = {
    always_on: /^AlwaysOnSampler$/,
    always_off: /^AlwaysOffSampler$/,
    traceidratio: /^TraceIdRatioBased\{0\.25\}$/,
    parentbased_always_on: /^ParentBased\{root=AlwaysOnSampler,/,
    parentbased_always_off: /^ParentBased\{root=AlwaysOffSampler,/,
    parentbased_traceidratio: /^ParentBased\{root=TraceIdRatioBased\{0\.25\},/,
  };
  for (const [name, expected] of Object.entries(descriptions)) {
    const environment = { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: "0.25" };
    assert.match(samplerOf(environment).toString(), expected, name);
  }
});

test("nothing, an unknown name and an impossible share keep every trace that nobody has dropped before", () => {
  for (const environment of [
    {},
    { OTEL_TRACES_SAMPLER: "" },
    { OTEL_TRACES_SAMPLER: "sometimes" },
    { OTEL_TRACES_SAMPLER: "parentbased_" },
    { OTEL_TRACES_SAMPLER: "constructor" },
  ]) {
    const text = samplerOf(environment).toString();
    assert.match(text, /^ParentBased\{root=AlwaysOnSampler,/, JSON.stringify(environment));
  }
  for (const share of [undefined, "", "2", "-0.1", "half"]) {
    const environment = { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: share };
    assert.equal(samplerOf(environment).toString(), "TraceIdRatioBased{1}", share);
  }
});
