/**
 * Exports that stay although no other module imports them, by the module that has them. A star is all of them.
 *
 * An entry that is not needed any more is a violation.
 */
export type KeptExports = Readonly<Record<string, string>>;

export const KEPT_EXPORTS: KeptExports = {
  // An operation adds itself to this interface by declaration merging, which is no import.
  "packages/inference/operation.ts": "Operations",
  // The faces of packages, of which services use a part yet.
  "packages/grammar/compile-text.ts": "*",
  "packages/llama/llama.ts": "*",
  "packages/llama/model.ts": "*",
  "packages/llama/sampling/sampler.ts": "*",
  "packages/llama/sequence-state.ts": "*",
};
