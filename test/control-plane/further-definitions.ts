/**
 * Definitions of other projects that the chart makes objects of, or the documentation shows: from their Go modules,
 * as a module proxy is reachable where their releases may not be.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { KubeObject } from "@localmodel/kube/objects/objects.ts";
import { parse } from "yaml";
import { moduleSource } from "../build/go-module.ts";
import { MODULES } from "../build/places.ts";

const FILES = {
  "github.com/prometheus-operator/prometheus-operator": [
    "podmonitors",
    "prometheusrules",
    "servicemonitors",
  ].map((name) => `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`),
  "sigs.k8s.io/gateway-api": ["config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"],
  "github.com/kedacore/keda/v2": ["config/crd/bases/keda.sh_scaledobjects.yaml"],
};

type Project = keyof typeof FILES;

export async function furtherDefinitions(
  ...projects: readonly Project[]
): Promise<readonly KubeObject[]> {
  const definitions: KubeObject[] = [];
  for (const module of projects) {
    const files = FILES[module];
    const folder = await moduleSource(join(MODULES, "definitions"), module);
    for (const file of files) {
      definitions.push(parse(await readFile(join(folder, file), "utf8")) as KubeObject);
    }
  }
  return definitions;
}
