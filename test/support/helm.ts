/**
 * Helm as a program: the one that LOCALMODEL_TEST_HELM names, else the one on the PATH.
 *
 * Each has folders of its own, so that nothing of a person's configuration decides how a test ends.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import path from "node:path";
import type { TemporaryFolder } from "./temporary-folder.ts";

export const HELM_VARIABLE = "LOCALMODEL_TEST_HELM";
export const CHART = path.join(import.meta.dirname, "../../charts/localmodel");

const TIMEOUT_MS = 120_000;
const OUTPUT_MAX_BYTES = 16 * 1024 * 1024;

/** Resolves to what it printed; rejects with what it complained about. */
export type Helm = (...args: readonly string[]) => Promise<string>;

export function helmIn(
  folder: TemporaryFolder,
  kubeconfig = "",
  program = process.env[HELM_VARIABLE] ?? "helm",
): Helm {
  const env = {
    PATH: process.env["PATH"],
    HOME: folder.file("home"),
    HELM_CACHE_HOME: folder.file("helm/cache"),
    HELM_CONFIG_HOME: folder.file("helm/config"),
    HELM_DATA_HOME: folder.file("helm/data"),
    ...(kubeconfig !== "" && { KUBECONFIG: kubeconfig }),
  };
  return async (...args) => {
    const options = { env, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_MAX_BYTES };
    const { stdout } = await promisify(execFile)(program, args, options);
    return stdout;
  };
}
