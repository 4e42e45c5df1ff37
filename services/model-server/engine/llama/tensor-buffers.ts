/**
 * Tensors that are kept elsewhere than their layer, checked before anything is loaded.
 *
 * A pattern that matches nothing would change nothing, and nobody would notice: it is refused, as is a device that is not
 * there, and what would end llama.cpp (tensor-pattern.ts).
 */
import type { Device } from "@localmodel/llama/library/backends.ts";
import type { ModelOptions } from "@localmodel/llama/model-options.ts";
import type { EngineSpec } from "@localmodel/localmodel/resource/engine-spec.ts";
import type { TensorFact } from "@localmodel/weights/gguf/gguf-header.ts";
import { patternProblem } from "./tensor-pattern.ts";

export type TensorBuffers = {
  readonly tensorBuffers: NonNullable<ModelOptions["tensorBuffers"]>;
  /** Of the tensors that stay in the CPU's memory whatever is placed on devices. */
  readonly keptBytes: number;
};

export function tensorBuffersOf(
  { tensorBuffers = [] }: Pick<EngineSpec, "tensorBuffers">,
  tensors: readonly TensorFact[],
  devices: readonly Device[],
): TensorBuffers {
  const chosen = tensorBuffers.map(({ pattern, device: name }, index) => {
    const field = `engine.tensorBuffers[${index}]`;
    const device = devices.find((one) => one.name === name);
    if (device === undefined) {
      const names = devices.map((one) => one.name).join(", ");
      throw new Error(
        `${field}.device: "${name}" is no device of this machine, which has ${names}`,
      );
    }
    const expression = expressionOf(pattern, field);
    if (!tensors.some((tensor) => expression.test(tensor.name))) {
      const example = tensors.at(-1)?.name ?? "";
      throw new Error(
        `${field}.pattern: "${pattern}" matches none of the model's ${tensors.length} tensors, such as "${example}"`,
      );
    }
    return { pattern, device, expression };
  });
  const kept = tensors.filter(
    ({ name }) => chosen.find(({ expression }) => expression.test(name))?.device.kind === "cpu",
  );
  return {
    tensorBuffers: chosen.map(({ pattern, device }) => ({ pattern, device })),
    keptBytes: kept.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function expressionOf(pattern: string, field: string): RegExp {
  const problem = patternProblem(pattern);
  if (problem !== undefined) throw new Error(`${field}.pattern ${problem}`);
  return new RegExp(pattern);
}
