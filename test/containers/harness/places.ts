/** Where the suite keeps things; what it builds goes where the cluster suite's builds go. */
import { join } from "node:path";
import { CACHE, REPOSITORY } from "../../build/places.ts";

export const SUITE = join(REPOSITORY, "test/containers");

/** Containers of a run have this label with the run's name as its value: what is left of it can be found. */
export const RUN_LABEL = "dev.localmodel.test-run";
export const RUN =
  process.env["LOCALMODEL_TEST_RUN"] ?? new Date().toISOString().replaceAll(":", "-");
/** Of all containers of the run, one file for each. */
export const LOGS = join(CACHE, "logs", `containers-${RUN}`);
