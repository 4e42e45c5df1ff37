/** Of what a benchmark is asked to run on: a kind of device, or the processor. */

/** Throws for what is neither. */
export function deviceNamed(name: string): "cuda" | "rocm" | "vulkan" | false {
  if (name === "" || name === "cuda" || name === "rocm" || name === "vulkan") return name || false;
  throw new Error(`--gpu is ${name}; it should be cuda, rocm or vulkan`);
}
