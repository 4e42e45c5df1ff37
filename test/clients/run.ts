/**
 * `npm run test:clients [-- FILE…]`: programs that people use, as their makers publish them, against the product: every
 * *.clients.ts. They are fetched from npm, from PyPI and through Go's module proxy, once, and kept.
 */
import { runTests, testFiles } from "../support/run-tests.ts";

const TIMEOUT_MS = 1_800_000;

process.exitCode = await runTests({
  files: await testFiles(import.meta.dirname, "*.clients.ts"),
  timeoutMs: TIMEOUT_MS,
  env: {},
});
