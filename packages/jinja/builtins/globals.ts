/** What a template can call without being given it. */
import { TemplateError } from "../template-error.ts";
import { bound, integerArgument } from "../values/arguments.ts";
import { itemsOf } from "../values/iterate.ts";
import { str } from "../values/text.ts";
import { Callable, Dict, Namespace, Undefined, type Value } from "../values/values.ts";
import { formatTime } from "./format-time.ts";

/** `range(messages | length)` is what templates use it for; the reference allows as many. */
const RANGE_MAX = 100_000;

const range = new Callable("range", ({ positional }, meter) => {
  const numbers = positional.map((value) => integerArgument(value, "range"));
  const [first = 0, second, step = 1] = numbers;
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  // Also where the step is zero.
  if (!(length <= RANGE_MAX)) {
    throw new TemplateError(`it asks for a range of more than ${RANGE_MAX} numbers`);
  }
  meter.step(length);
  if (step === 1 && start >= 0 && stop <= RANGE_MAX) return countedTo(stop).slice(start, stop);
  return Array.from({ length }, (_, index) => BigInt(start + index * step));
});

const COUNTED: bigint[] = [];

/** Made once: many ranges cost no more than their lists. */
function countedTo(stop: number): readonly bigint[] {
  while (COUNTED.length < stop) COUNTED.push(BigInt(COUNTED.length));
  return COUNTED;
}

const dict = new Callable("dict", ({ positional: [given], named }) =>
  Dict.of([...(given === undefined ? [] : entriesOf(given)), ...named]),
);

const namespace = new Callable("namespace", ({ positional: [given], named }, meter) => {
  const made = new Namespace();
  for (const [name, value] of [...(given === undefined ? [] : entriesOf(given)), ...named]) {
    made.attributes.set(str(name, meter), value);
  }
  return made;
});

function entriesOf(value: Value): readonly (readonly [Value, Value])[] {
  if (value instanceof Dict) return value.entries();
  return itemsOf(value).map((pair) => {
    const [key, of, ...more] = itemsOf(pair);
    if (key === undefined || of === undefined || more.length > 0) {
      throw new TemplateError("a dict is made of pairs");
    }
    return [key, of];
  });
}

const cycler = new Callable("cycler", ({ positional: items }) => {
  if (items.length === 0) throw new TemplateError("a cycler needs items");
  let at = 0;
  const made = new Namespace();
  const show = () => made.attributes.set("current", items[at] as Value);
  const next = new Callable("next", () => {
    const item = items[at] as Value;
    at = (at + 1) % items.length;
    show();
    return item;
  });
  const reset = new Callable("reset", () => {
    at = 0;
    show();
    return null;
  });
  made.attributes.set("next", next).set("reset", reset);
  show();
  return made;
});

const joiner = new Callable("joiner", (given) => {
  const [separator = ", "] = bound(given, ["sep?"], "joiner");
  let used = false;
  return new Callable("joiner", () => {
    const text = used ? separator : "";
    used = true;
    return text;
  });
});

const raise = new Callable("raise_exception", (given, meter) => {
  const [message = ""] = bound(given, ["message"], "raise_exception");
  throw new TemplateError(message instanceof Undefined ? message.reason : str(message, meter));
});

export function globals(now: Date): ReadonlyMap<string, Value> {
  const strftime = new Callable("strftime_now", (given, meter) => {
    const [format = ""] = bound(given, ["format"], "strftime_now");
    return formatTime(now, str(format, meter));
  });
  const all = [range, dict, namespace, cycler, joiner, raise, strftime];
  return new Map(all.map((one) => [one.name, one]));
}
