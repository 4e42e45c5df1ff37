/**
 * How long a model is to stay loaded after a request, as clients of Ollama (`keep_alive`) and LM Studio (`ttl`) say it.
 *
 * Pure. `keep_alive` is a number of seconds or a duration as Go writes it ("5m", "1h30m"), less than nothing for ever.
 */
import { invalidRequest } from "@localmodel/inference/refusals.ts";

export const KEEP_ALIVE_FIELDS = ["keep_alive", "ttl"] as const;

/** Ten years: as good as for ever, and far from where numbers become inexact. */
const SECONDS_MAX = 10 * 365 * 86_400;

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** Seconds, -1 for ever; undefined for null. Throws a 400 for anything else. */
export function keepAliveSeconds(
  field: (typeof KEEP_ALIVE_FIELDS)[number],
  value: unknown,
): number | undefined {
  if (value === null) return undefined;
  const seconds = field === "keep_alive" && typeof value === "string" ? durationOf(value) : value;
  if (typeof seconds !== "number" || !Number.isFinite(seconds)) throw invalid(field);
  if (seconds < 0) {
    if (field === "ttl") throw invalid(field);
    return -1;
  }
  return Math.min(seconds, SECONDS_MAX);
}

function durationOf(text: string): number | undefined {
  const [, sign = "", amount = ""] = /^([+-]?)(.+)$/.exec(text.trim()) ?? [];
  const factor = sign === "-" ? -1 : 1;
  if (/^\d+(\.\d+)?$/.test(amount)) return factor * Number(amount);
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(amount)) return undefined;
  let seconds = 0;
  for (const [, count, unit = ""] of amount.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    seconds += Number(count) * (SECONDS_PER_UNIT[unit] ?? 0);
  }
  return factor * seconds;
}

function invalid(field: (typeof KEEP_ALIVE_FIELDS)[number]) {
  const expected =
    field === "ttl"
      ? "a number of seconds"
      : 'a number of seconds or a duration such as "5m"; less than 0 for as long as there is room';
  return invalidRequest(field, `Invalid '${field}': expected ${expected}.`);
}
