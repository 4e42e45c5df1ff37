/**
 * Jinja as the library runs it, with bounds on what a template can make.
 *
 * A template is a program of whoever made the weights. A clock stops it when it does not end (template-thread.ts); here
 * is what no clock stops in time: a single value so large that making it takes the process's memory.
 */
import { Environment, Interpreter, Template } from "@huggingface/jinja";

/** `range(messages | length)` is what templates use it for. */
const RANGE_MAX = 100_000;
const LIST_MAX = 1_000_000;
/** Twice what a request can bring. */
const TEXT_MAX_CHARACTERS = 64 * 1024 * 1024;

export class JinjaTemplate {
  readonly #program: Template["parsed"];

  /** Throws for what is no template. */
  constructor(source: string) {
    this.#program = new Template(source).parsed;
  }

  /** Throws what the template raises, and for a variable that is named as something of Jinja's own. */
  render(variables: Readonly<Record<string, unknown>>): string {
    const environment = new Environment();
    for (const [name, value] of [...Object.entries(GLOBALS), ...Object.entries(variables)]) {
      environment.set(name, value);
    }
    return String(new BoundedInterpreter(environment).run(this.#program).value);
  }
}

/** What is used of the library's class, whose own types Node's rules for modules do not find. */
type Interpreting = {
  evaluate(statement: unknown, environment: unknown): { readonly value: unknown };
  run(program: unknown): { readonly value: unknown };
};
const LibraryInterpreter = Interpreter as unknown as new (environment: Environment) => Interpreting;

class BoundedInterpreter extends LibraryInterpreter {
  override evaluate(statement: unknown, environment: unknown): { readonly value: unknown } {
    const result = super.evaluate(statement, environment);
    const { value } = result;
    if (typeof value === "string" && value.length > TEXT_MAX_CHARACTERS) {
      throw new RangeError(`it makes a text of more than ${TEXT_MAX_CHARACTERS} characters`);
    }
    if (Array.isArray(value) && value.length > LIST_MAX) {
      throw new RangeError(`it makes a list of more than ${LIST_MAX} items`);
    }
    return result;
  }
}

const GLOBALS: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception: (message: string) => {
    throw new Error(message);
  },
  range,
  strftime_now: (format: string) => formatTime(new Date(), format),
};

function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  // Also where the step is zero.
  if (!(length <= RANGE_MAX)) {
    throw new RangeError(`it asks for a range of more than ${RANGE_MAX} numbers`);
  }
  return Array.from({ length }, (_, index) => start + index * step);
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** What templates ask for: days, and times of them. Other codes stay as they are. */
function formatTime(date: Date, format: string): string {
  const name = (options: Intl.DateTimeFormatOptions) => date.toLocaleDateString("en", options);
  const codes: Readonly<Record<string, () => string>> = {
    "%Y": () => String(date.getFullYear()),
    "%m": () => two(date.getMonth() + 1),
    "%d": () => two(date.getDate()),
    "%b": () => name({ month: "short" }),
    "%B": () => name({ month: "long" }),
    "%a": () => name({ weekday: "short" }),
    "%A": () => name({ weekday: "long" }),
    "%H": () => two(date.getHours()),
    "%M": () => two(date.getMinutes()),
    "%S": () => two(date.getSeconds()),
    "%%": () => "%",
  };
  return format.replaceAll(/%[A-Za-z%]/g, (code) => codes[code]?.() ?? code);
}
