/** The port of `/metrics` in the configuration of a service. */
import { z } from "zod";

export const MetricsPort = z
  .int()
  .min(0)
  .max(65_535)
  .exactOptional()
  .describe("Where `/metrics` is served; nowhere if left out.");
