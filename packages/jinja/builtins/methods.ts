/** The methods of values, as Python has them: those that change nothing. */
import { TemplateError } from "../template-error.ts";
import { bound, integerArgument } from "../values/arguments.ts";
import { equals } from "../values/compare.ts";
import {
  type Arguments,
  Callable,
  Dict,
  isList,
  Tuple,
  type Value,
  View,
} from "../values/values.ts";
import { textMethod } from "./text-methods.ts";

/** Undefined where a value of this kind has no such method. */
export function methodOf(value: Value, name: string): Callable | undefined {
  if (typeof value === "string") return textMethod(value, name);
  if (value instanceof Dict) return dictMethod(value, name);
  if (isList(value)) return listMethod(value, name);
  if (value instanceof Tuple) return itemsMethod(value.items, name);
  return typeof value === "number" && name === "is_integer"
    ? new Callable(name, () => Number.isInteger(value))
    : undefined;
}

const CHANGING_LISTS = new Set("clear extend insert remove reverse sort".split(" "));
const CHANGING_DICTS = new Set("clear pop popitem setdefault update".split(" "));

/** The reference refuses these as well; also `append` and `pop` of lists, without which some public models could not chat. */
function changing(name: string): Callable {
  return new Callable(name, () => {
    throw new TemplateError(`${name}() would change a value, which a template cannot`);
  });
}

function dictMethod(dict: Dict, name: string): Callable | undefined {
  if (CHANGING_DICTS.has(name)) return changing(name);
  const call = DICT_METHODS.get(name);
  return call && new Callable(name, (given) => call(dict, given));
}

const DICT_METHODS = new Map<string, (dict: Dict, given: Arguments) => Value>([
  [
    "get",
    (dict, given) => {
      const [key = null, otherwise = null] = bound(given, ["key", "default?"], "get");
      const value = dict.get(key);
      return value === undefined ? otherwise : value;
    },
  ],
  ["keys", (dict) => new View("keys", dict.keys())],
  ["values", (dict) => new View("values", dict.values())],
  ["items", (dict) => new View("items", pairs(dict))],
  ["copy", (dict) => dict],
]);

export function pairs(dict: Dict): Tuple[] {
  return dict.entries().map((entry) => new Tuple(entry));
}

function listMethod(items: readonly Value[], name: string): Callable | undefined {
  if (name === "append") {
    return new Callable(name, (given, meter) => {
      const [item = null] = bound(given, ["object"], name);
      meter.items(items.length + 1);
      (items as Value[]).push(item);
      return null;
    });
  }
  if (name === "pop") {
    return new Callable(name, (given) => {
      const [index = -1n] = bound(given, ["index?"], name);
      const [item] = (items as Value[]).splice(integerArgument(index, name), 1);
      if (item === undefined) throw new TemplateError("the list has no such item to pop");
      return item;
    });
  }
  return CHANGING_LISTS.has(name) ? changing(name) : itemsMethod(items, name);
}

function itemsMethod(items: readonly Value[], name: string): Callable | undefined {
  if (name === "copy") return new Callable(name, () => [...items]);
  if (name === "count") {
    return new Callable(name, (given) => {
      const [wanted = null] = bound(given, ["value"], name);
      return BigInt(items.filter((item) => equals(item, wanted)).length);
    });
  }
  if (name !== "index") return undefined;
  return new Callable(name, (given) => {
    const [wanted = null, start = 0n] = bound(given, ["value", "start?"], name);
    const from = integerArgument(start, name);
    const at = items.findIndex((item, index) => index >= from && equals(item, wanted));
    if (at < 0) throw new TemplateError("the list does not hold what is looked for");
    return BigInt(at);
  });
}
