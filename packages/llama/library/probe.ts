/** Run by choose.ts in a process of its own: whether these libraries load here, and find a device that is not the CPU. */
import { bindNative } from "../native/native.ts";
import { hasGpu, loadBackends } from "./backends.ts";
import type { Libraries } from "./candidates.ts";

process.once("message", (libraries: Libraries) => {
  const found = hasGpu(loadBackends(bindNative(libraries.paths), libraries));
  process.send?.(found, () => process.exit(0));
});
