/** Which traces are kept, by OpenTelemetry's variables `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`. */
import { diag } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";

const NAME = "OTEL_TRACES_SAMPLER";
const RATIO = "OTEL_TRACES_SAMPLER_ARG";
const DEFAULT = "parentbased_always_on";

/** Roots of traces; with `parentbased_` before its name, what has a parent does as that one does. */
const ROOTS = new Map<string, (environment: NodeJS.ProcessEnv) => Sampler>([
  ["always_on", () => new AlwaysOnSampler()],
  ["always_off", () => new AlwaysOffSampler()],
  ["traceidratio", (environment) => new TraceIdRatioBasedSampler(ratioIn(environment))],
]);

export function samplerOf(environment: NodeJS.ProcessEnv): Sampler {
  const asked = environment[NAME]?.trim() ?? "";
  const name = asked === "" ? DEFAULT : asked;
  const isParentBased = name.startsWith("parentbased_");
  const root = ROOTS.get(name.replace(/^parentbased_/, ""))?.(environment);
  if (root === undefined) {
    const known = [...ROOTS.keys()].flatMap((one) => [one, `parentbased_${one}`]);
    diag.warn(`${NAME} is "${name}", it should be one of ${known.join(", ")}: taken as ${DEFAULT}`);
    return new ParentBasedSampler({ root: new AlwaysOnSampler() });
  }
  return isParentBased ? new ParentBasedSampler({ root }) : root;
}

/** All of them, where the environment does not say. */
function ratioIn(environment: NodeJS.ProcessEnv): number {
  const text = environment[RATIO]?.trim() ?? "";
  const ratio = Number(text);
  if (text !== "" && ratio >= 0 && ratio <= 1) return ratio;
  diag.warn(`${RATIO} is "${text}", it should be a number from 0 to 1: taken as 1`);
  return 1;
}
