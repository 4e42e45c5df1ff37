/**
 * Request bytes in, a JSON value that is safe to look at out.
 *
 * The checks here are the ones no schema can make: that the bytes are text at all, and that nesting is
 * shallow enough for whatever walks the value later (templates, JSON.stringify) not to overflow its stack.
 */
import { invalidRequest } from "./errors.ts";

export const JSON_MAX_DEPTH = 64;

export function parseJson(bytes: Uint8Array): unknown {
  const value = parse(decode(bytes));
  if (isDeeperThan(JSON_MAX_DEPTH, value)) {
    throw invalidRequest(
      null,
      `The JSON body of the request must not be nested deeper than ${JSON_MAX_DEPTH} levels.`,
    );
  }
  return value;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidRequest(null, "The body of the request is not valid UTF-8.");
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = text.trim() === "" ? "it is empty" : (error as SyntaxError).message;
    throw invalidRequest(null, `The body of the request is not valid JSON: ${reason}.`);
  }
}

/** Iterative, because recursion is what deep nesting attacks. */
function isDeeperThan(maxDepth: number, root: unknown): boolean {
  let level: object[] = isContainer(root) ? [root] : [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > maxDepth) return true;
    const next: object[] = [];
    for (const container of level) {
      for (const value of Array.isArray(container) ? container : Object.values(container)) {
        if (isContainer(value)) next.push(value);
      }
    }
    level = next;
  }
  return false;
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
