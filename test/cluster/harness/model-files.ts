/** The files that the weights image holds, and the file server serves. */
export const WEIGHTS_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf";
export const WEIGHTS_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
/** A LoRA adapter for it, of noise. */
export const ADAPTER_FILE = "noise-lora.gguf";
/** Noise that llama.cpp loads in a moment: for what is about pods, not about answers. */
export const TINY_FILE = "tiny.gguf";
/** A projector for it: it sees letters and colours. */
export const PROJECTOR_FILE = "tiny-mmproj.gguf";
