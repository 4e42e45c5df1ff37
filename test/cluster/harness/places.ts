/**
 * Where the harness keeps things: all of it in one folder outside the repository, so that a clean clone finds
 * what an earlier one has built.
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

export const REPOSITORY = resolve(import.meta.dirname, "../../..");
export const SUITE = join(REPOSITORY, "test/cluster");

const cacheHome = process.env["XDG_CACHE_HOME"] ?? "";
export const CACHE = join(
  cacheHome === "" ? join(homedir(), ".cache") : cacheHome,
  "localmodel-test",
);

/** Several clusters on one machine need names. */
export const CLUSTER_NAME = process.env["LOCALMODEL_TEST_CLUSTER_NAME"] ?? "localmodel-test";
/** Of the cluster that runs: its kubeconfig, keys and state.json. */
export const CLUSTER_FOLDER = join(CACHE, "clusters", CLUSTER_NAME);
