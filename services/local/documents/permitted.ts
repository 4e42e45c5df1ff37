/**
 * Takes out of documents those that set variables which only whoever runs this machine may set.
 *
 * Pure. A document is somebody else's text, and `spec.env` would have it run code before anything is loaded.
 */
import type { ParsedModel } from "@localmodel/localmodel/documents/judge-document.ts";
import { fieldName, type Problem } from "@localmodel/localmodel/documents/problem.ts";
import { environmentProblems } from "@localmodel/localmodel/resource/environment-policy.ts";

type Read = { readonly models: readonly ParsedModel[]; readonly problems: readonly Problem[] };

/** References have no effect here (`unusedFields`), so they need no permission. */
const ANY_REFERENCE = { secrets: ["*"], configMaps: ["*"] };

export function permitted<Documents extends Read>(
  read: Documents,
  allowedVariables: readonly string[],
): Documents {
  const refused = new Map(
    read.models.map((one) => [one, problemsOf(one, allowedVariables)] as const),
  );
  return {
    ...read,
    models: read.models.filter((one) => refused.get(one)?.length === 0),
    problems: [...read.problems, ...[...refused.values()].flat()],
  };
}

function problemsOf(
  { model, file, line }: ParsedModel,
  allowedVariables: readonly string[],
): readonly Problem[] {
  const policy = { variables: [...allowedVariables], ...ANY_REFERENCE };
  const toAllow = "start with --allow-env and its name";
  return environmentProblems(model.spec.env, policy, {
    variables: toAllow,
    secrets: toAllow,
    configMaps: toAllow,
  }).map(({ path, message }) => ({
    file,
    line,
    field: fieldName(["spec", "env", ...path]),
    message,
  }));
}
