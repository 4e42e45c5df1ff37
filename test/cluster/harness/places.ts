/** Where the suite keeps things; what it builds goes where the builds of all suites go. */
import { join } from "node:path";
import { CACHE, REPOSITORY } from "../../build/places.ts";

export const SUITE = join(REPOSITORY, "test/cluster");

/** Several clusters on one machine need names. */
export const CLUSTER_NAME = process.env["LOCALMODEL_TEST_CLUSTER_NAME"] ?? "localmodel-test";
/** Of the cluster that runs: its kubeconfig, keys and state.json. */
export const CLUSTER_FOLDER = join(CACHE, "clusters", CLUSTER_NAME);
