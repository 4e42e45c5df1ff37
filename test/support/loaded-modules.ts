/** Preloaded with `--import`: says at the end which modules of OpenTelemetry were asked for, on standard output. */
import { registerHooks } from "node:module";

const loaded = new Set<string>();
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith("@opentelemetry/")) loaded.add(specifier);
    return next(specifier, context);
  },
});
process.on("exit", () => {
  process.stdout.write(`opentelemetry: ${loaded.size === 0 ? "none" : [...loaded].join(" ")}\n`);
});
