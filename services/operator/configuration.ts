/** The operator's configuration, from the environment. A mistake in it is told completely and ends the process. */
import {
  OPERATOR_CONFIG_VARIABLE,
  OperatorConfig,
} from "@localmodel/localmodel/contracts/operator-config.ts";
import { z } from "zod";

export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

export function readConfiguration(
  environment: Readonly<Record<string, string | undefined>>,
): OperatorConfig {
  const text = environment[OPERATOR_CONFIG_VARIABLE];
  if (text === undefined) {
    throw new ConfigurationError(
      `Cannot start without a configuration: ${OPERATOR_CONFIG_VARIABLE} must hold one as JSON, for example ` +
        `{"images":{"cpu":"registry.example/localmodel/model-server:1.0.0"}}`,
    );
  }
  const result = OperatorConfig.safeParse(parseJson(text));
  if (result.success) return result.data;
  throw new ConfigurationError(
    `Cannot use the configuration in ${OPERATOR_CONFIG_VARIABLE}:\n${z.prettifyError(result.error)}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigurationError(
      `Cannot read ${OPERATOR_CONFIG_VARIABLE} as JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
