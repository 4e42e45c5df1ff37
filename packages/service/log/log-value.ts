/**
 * Any value as plain, bounded data that can be written as JSON.
 *
 * One budget of characters is shared by everything in a value, so that neither a long string nor a wide
 * or deep object can make a log line long. Depth is bounded too, which is also what ends cycles.
 */

const BUDGET_CHARACTERS = 8000;
const DEPTH_MAX = 6;
const CUT = "…";

type Budget = { characters: number };

export function bounded(value: unknown): unknown {
  return plain(value, DEPTH_MAX, { characters: BUDGET_CHARACTERS });
}

function plain(value: unknown, depth: number, budget: Budget): unknown {
  switch (typeof value) {
    case "string":
      return cut(value, budget);
    case "number":
      budget.characters -= 8;
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
    case "undefined":
      budget.characters -= 4;
      return value;
    case "bigint":
    case "symbol":
    case "function":
      return cut(String(value), budget);
    case "object":
      return value === null ? null : plainObject(value, depth, budget);
    default:
      return undefined;
  }
}

function plainObject(value: object, depth: number, budget: Budget): unknown {
  if (depth === 0 || budget.characters <= 0) return CUT;
  try {
    if (value instanceof Error) return plainError(value, depth, budget);
    if ("toJSON" in value && typeof value.toJSON === "function") {
      return plain(value.toJSON(), depth - 1, budget);
    }
    return Array.isArray(value) ? list(value, depth, budget) : record(value, depth, budget);
  } catch (error) {
    return `(unreadable: ${error instanceof Error ? error.name : "thrown"})`;
  }
}

function plainError(error: Error, depth: number, budget: Budget): unknown {
  const { name, message, stack, cause } = error;
  const code = "code" in error ? error.code : undefined;
  // The stack begins with the name and message; repeating them would spend the budget twice.
  const text = stack ?? `${name}: ${message}`;
  return record({ error: text, code, cause }, depth, budget);
}

function list(values: readonly unknown[], depth: number, budget: Budget): unknown[] {
  const result: unknown[] = [];
  for (const value of values) {
    if (budget.characters <= 0) return [...result, CUT];
    result.push(plain(value, depth - 1, budget));
  }
  return result;
}

function record(value: object, depth: number, budget: Budget): object {
  const result: [string, unknown][] = [];
  for (const name in value) {
    if (!Object.hasOwn(value, name)) continue;
    if (budget.characters <= 0) break;
    const field: unknown = (value as Record<string, unknown>)[name];
    if (field !== undefined) result.push([cut(name, budget), plain(field, depth - 1, budget)]);
  }
  // fromEntries defines keys instead of setting them: "__proto__" stays a field.
  return Object.fromEntries(result);
}

function cut(text: string, budget: Budget): string {
  const room = Math.max(0, budget.characters);
  budget.characters -= text.length + 4;
  return (text.length <= room ? text : `${text.slice(0, room)}${CUT}`).toWellFormed();
}
