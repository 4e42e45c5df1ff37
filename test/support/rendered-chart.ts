/** What charts/localmodel makes of values, as objects. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import type { Deployment } from "@localmodel/kube/objects/core-resources.ts";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { parseAllDocuments } from "yaml";
import { CHART, type Helm } from "./helm.ts";
import type { TemporaryFolder } from "./temporary-folder.ts";

export type ChartObject = KubeObject & Readonly<Record<string, unknown>>;

export function setting(...settings: readonly string[]): readonly string[] {
  return settings.flatMap((one) => ["--set", one]);
}

/** Flags for values that are too deep to be set one by one. */
export async function valuesFile(folder: TemporaryFolder, values: object): Promise<string[]> {
  const file = folder.file("values.json");
  await writeFile(file, JSON.stringify(values));
  return ["--values", file];
}

export async function renderedText(
  helm: Helm,
  namespace: string,
  flags: readonly string[],
): Promise<string> {
  return helm("template", "localmodel", CHART, "--namespace", namespace, ...flags);
}

/** Fails for YAML that is not quite YAML, such as a key that is there twice. */
export function objectsIn(text: string): readonly ChartObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    assert.deepEqual(document.errors, []);
    const object = document.toJS() as ChartObject | null;
    return object === null ? [] : [object];
  });
}

export function deploymentsIn(objects: readonly KubeObject[]): readonly Deployment[] {
  const found = objects.filter(({ kind }) => kind === "Deployment") as readonly Deployment[];
  return found.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

export function environmentOf(objects: readonly KubeObject[]): Readonly<Record<string, string>> {
  const variables = deploymentsIn(objects).flatMap(
    ({ spec }) => spec?.template.spec?.containers[0]?.env ?? [],
  );
  return Object.fromEntries(variables.map(({ name, value = "" }) => [name, value]));
}
