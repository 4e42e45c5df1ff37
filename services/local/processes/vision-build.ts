/**
 * Makes the library that looks at pictures, when the first model with a projector comes: npm's packages have only its
 * source. Where that fails, the model serves text, and a line says what is missing.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SCRIPT = fileURLToPath(new URL("../../../scripts/build-vision.ts", import.meta.url));
/** A slow machine of one core, in use. */
const TIMEOUT_MS = 30 * 60_000;

let building: Promise<string | undefined> | undefined;

/** What is wrong, in words; undefined when the library is there. One build at a time, whoever asks. */
export function buildVision(): Promise<string | undefined> {
  building ??= build().finally(() => (building = undefined));
  return building;
}

async function build(): Promise<string | undefined> {
  try {
    await promisify(execFile)(process.execPath, [SCRIPT], { timeout: TIMEOUT_MS });
    return undefined;
  } catch (error) {
    const { stderr = "", message } = error as Error & { readonly stderr?: string };
    return stderr.trim().split("\n").at(-1) || message;
  }
}
