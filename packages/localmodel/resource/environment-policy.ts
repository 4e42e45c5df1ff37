/**
 * Which environment variables a LocalModel may give its server, and from where: decided here alone, for the operator,
 * for `npm start` and for the chart's admission policy.
 *
 * Who writes a LocalModel is not who runs the machine. A variable can be code (`NODE_OPTIONS`, `LD_PRELOAD` and
 * `GGML_BACKEND_PATH` all load a file before anything else runs), and a reference reads any Secret of a namespace. So a
 * LocalModel gets what tunes llama.cpp and what routes connections; the rest is for the platform to allow by name.
 */
import { z } from "zod";
import type { EnvironmentSpec } from "./env-spec.ts";

/** `*` stands for any characters. */
const VariablePattern = z
  .string()
  .regex(/^[-._a-zA-Z*][-._a-zA-Z0-9*]*$/)
  .max(253);
const ObjectPattern = z
  .string()
  .regex(/^[a-z0-9*]([-.a-z0-9*]*[a-z0-9*])?$/)
  .max(253);

export const EnvironmentPolicy = z.strictObject({
  variables: z
    .array(VariablePattern)
    .max(64)
    .default([])
    .describe("Names that spec.env may set besides those that it always may."),
  secrets: z
    .array(ObjectPattern)
    .max(64)
    .default([])
    .describe("Names of Secrets that spec.env may refer to."),
  configMaps: z
    .array(ObjectPattern)
    .max(64)
    .default([])
    .describe("Names of ConfigMaps that spec.env may refer to."),
});
export type EnvironmentPolicy = z.infer<typeof EnvironmentPolicy>;

/** What every LocalModel may set. */
export const USUAL_VARIABLES: readonly string[] = [
  "GGML_*",
  "LLAMA_*",
  "CUDA_*",
  "HIP_*",
  "OMP_*",
  "ROCR_VISIBLE_DEVICES",
  "HSA_OVERRIDE_GFX_VERSION",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
  // Not where telemetry goes, nor what is in it.
  "OTEL_SERVICE_NAME",
  "OTEL_RESOURCE_ATTRIBUTES",
  "OTEL_TRACES_SAMPLER",
  "OTEL_TRACES_SAMPLER_ARG",
  "LOG_LEVEL",
  "TZ",
];

/**
 * Of those, all that name a file are left out: `GGML_BACKEND_PATH`, `CUDA_INJECTION64_PATH` and `OMP_TOOL_LIBRARIES`
 * are libraries to load.
 */
export const FILE_VARIABLE =
  "(^|_)(PATHS?|LIBS?|LIBRARY|LIBRARIES|FILES?|DIRS?|DIRECTORY|PIPE|TOOLS?)(_|$)";

type Environment = z.infer<typeof EnvironmentSpec>;

type EnvironmentProblem = {
  /** Below `spec.env`. */
  readonly path: readonly (number | string)[];
  /** To be read after the field's name. */
  readonly message: string;
};

/** What `environment` may not do under the policy. `howToAllow`: what whoever runs the platform does to allow it. */
export function environmentProblems(
  environment: Environment | undefined,
  policy: EnvironmentPolicy,
  howToAllow: HowToAllow,
): readonly EnvironmentProblem[] {
  return (environment ?? []).flatMap(({ name, valueFrom }, index) => [
    ...(isVariableAllowed(name, policy)
      ? []
      : [{ path: [index, "name"], message: variableMessage(name, howToAllow.variables) }]),
    ...refused("Secret", valueFrom?.secretKeyRef, policy.secrets, howToAllow.secrets).map(
      (message) => ({ path: [index, "valueFrom", "secretKeyRef"], message }),
    ),
    ...refused(
      "ConfigMap",
      valueFrom?.configMapKeyRef,
      policy.configMaps,
      howToAllow.configMaps,
    ).map((message) => ({ path: [index, "valueFrom", "configMapKeyRef"], message })),
  ]);
}

/** The end of a sentence that begins with "to allow it,", for each kind of thing. */
type HowToAllow = Readonly<Record<keyof EnvironmentPolicy, string>>;

function isVariableAllowed(name: string, { variables }: EnvironmentPolicy): boolean {
  if (matches(name, variables)) return true;
  return matches(name, USUAL_VARIABLES) && !new RegExp(FILE_VARIABLE).test(name);
}

function variableMessage(name: string, howToAllow: string): string {
  return `${name} may not be set by a LocalModel, which may set ${USUAL_VARIABLES.join(", ")}, and none of these that names a file; to allow it, ${howToAllow}`;
}

function refused(
  kind: "Secret" | "ConfigMap",
  ref: { readonly name: string } | undefined,
  allowed: readonly string[],
  howToAllow: string,
): readonly string[] {
  if (ref === undefined || matches(ref.name, allowed)) return [];
  return [
    `the ${kind} ${ref.name} may not be read by spec.env, which may refer to ${allowed.length === 0 ? `no ${kind}` : allowed.join(", ")}; to allow it, ${howToAllow}`,
  ];
}

function matches(name: string, patterns: readonly string[]): boolean {
  return new RegExp(patternsExpression(patterns)).test(name);
}

/** A regular expression, in the words that Go's know too, for what matches any of the patterns. */
function patternsExpression(patterns: readonly string[]): string {
  if (patterns.length === 0) return "^$";
  return `^(${patterns.map((one) => one.replaceAll(".", "[.]").replaceAll("*", ".*")).join("|")})$`;
}
