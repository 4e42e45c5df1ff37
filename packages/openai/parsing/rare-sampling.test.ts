import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { askedRareSampling, rareSamplingFields } from "./rare-sampling.ts";

const fields = z.object(rareSamplingFields);

function askedOf(sent: object): object {
  const asked = Object.entries(askedRareSampling(fields.parse(sent)));
  return Object.fromEntries(asked.filter(([, value]) => value !== undefined));
}

/** Some clients send every option of llama.cpp's server, with its defaults. */
const SENT_BY_HABIT = {
  min_keep: 0,
  typical_p: 1,
  top_n_sigma: -1,
  xtc_probability: 0,
  xtc_threshold: 0.1,
  dry_multiplier: 0,
  dry_base: 1.75,
  dry_allowed_length: 2,
  dry_penalty_last_n: -1,
  dry_sequence_breakers: ["\n", ":", '"', "*"],
  mirostat: 0,
  mirostat_tau: 5,
  mirostat_eta: 0.1,
  dynatemp_range: 0,
  dynatemp_exponent: 1,
};

test("what clients send by habit switches nothing on", () => {
  assert.deepEqual(askedOf(SENT_BY_HABIT), {
    minKeep: 0,
    typicalP: 1,
    topNSigma: -1,
  });
});

test("an option that is used has the defaults of llama.cpp's server for what belongs to it", () => {
  const used = { xtc_probability: 0.5, dry_multiplier: 0.8, mirostat: 2, dynatemp_range: 0.5 };
  assert.deepEqual(askedOf(used), {
    xtc: { probability: 0.5, threshold: 0.1 },
    dry: { multiplier: 0.8, base: 1.75, allowedLength: 2, lastTokens: -1 },
    mirostat: { version: 2, tau: 5, eta: 0.1 },
    dynamicTemperature: { range: 0.5, exponent: 1 },
  });
});

test("what cannot be done, or is out of range, is refused", () => {
  for (const refused of [
    { dry_sequence_breakers: ["\n"] },
    { mirostat: 3 },
    { typical_p: 1.5 },
    { repeat_last_n: -2 },
    { xtc_probability: "0.5" },
  ]) {
    assert.equal(fields.safeParse(refused).success, false, JSON.stringify(refused));
  }
});
