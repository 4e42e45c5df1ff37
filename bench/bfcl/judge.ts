/**
 * Whether calls are those that the Berkeley Function-Calling Leaderboard asks for, by the rules that it publishes for Python.
 *
 * Every parameter lists the values that are right. An empty text among them says that it may be left out. Texts are the same
 * without case, spaces and the signs `,./-_*^`. Several calls may come in any order.
 */
export type Called = {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
};

/** One call that is right: the function's name, and for each parameter its right values. */
export type Wanted = Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>>;

export type FunctionOfQuestion = {
  readonly name: string;
  readonly description: string;
  readonly parameters: {
    readonly properties: Readonly<Record<string, { readonly type: string }>>;
    readonly required?: readonly string[];
  };
};

export function isRight(
  calls: readonly Called[],
  wanted: readonly Wanted[],
  functions: readonly FunctionOfQuestion[],
): boolean {
  if (calls.length !== wanted.length) return false;
  const left = [...calls];
  return wanted.every((one) => {
    const at = left.findIndex((call) => isCall(call, one, functions));
    if (at !== -1) left.splice(at, 1);
    return at !== -1;
  });
}

/** Names of functions have no points in the APIs of those who are asked. */
export function apiName(name: string): string {
  return name.replaceAll(".", "_");
}

function isCall(call: Called, wanted: Wanted, functions: readonly FunctionOfQuestion[]): boolean {
  const [[name, values] = ["", {}]] = Object.entries(wanted);
  const described = functions.find((one) => one.name === name);
  if (described === undefined || call.name !== apiName(name)) return false;
  const { properties, required = [] } = described.parameters;
  if (!required.every((key) => Object.hasOwn(call.arguments, key))) return false;
  const given = Object.entries(call.arguments).every(([key, value]) => {
    const right = values[key];
    const type = properties[key]?.type;
    return right !== undefined && type !== undefined && isValue(value, right, type);
  });
  // What is left out has to be something that may be.
  return (
    given &&
    Object.entries(values).every(
      ([key, right]) => Object.hasOwn(call.arguments, key) || right.includes(""),
    )
  );
}

function isValue(value: unknown, right: readonly unknown[], type: string): boolean {
  // A variable stands for a value of another type: then the listed values say which.
  const listed = right.find((one) => one !== "");
  if (!isOfType(value, type) && (listed === undefined || kindOf(listed) !== kindOf(value)))
    return false;
  return right.some((one) => isSame(value, one));
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case "integer":
      return Number.isInteger(value);
    case "float":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    case "array":
    case "tuple":
      return Array.isArray(value);
    case "dict":
      return kindOf(value) === "object";
    default:
      return typeof value === "string";
  }
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
}

function isSame(value: unknown, right: unknown): boolean {
  if (typeof value === "string" && typeof right === "string") return plain(value) === plain(right);
  if (Array.isArray(value) && Array.isArray(right)) {
    return value.length === right.length && value.every((item, i) => isSame(item, right[i]));
  }
  if (kindOf(value) === "object" && kindOf(right) === "object") {
    return isSameObject(
      value as Readonly<Record<string, unknown>>,
      right as Readonly<Record<string, unknown>>,
    );
  }
  return value === right;
}

/** The members of a right object list their right values, too. */
function isSameObject(
  value: Readonly<Record<string, unknown>>,
  right: Readonly<Record<string, unknown>>,
): boolean {
  const rightOf = (key: string): readonly unknown[] => {
    const listed = right[key];
    return Array.isArray(listed) ? listed : [listed];
  };
  return (
    Object.entries(value).every(
      ([key, one]) => Object.hasOwn(right, key) && rightOf(key).some((each) => isSame(one, each)),
    ) && Object.keys(right).every((key) => Object.hasOwn(value, key) || rightOf(key).includes(""))
  );
}

function plain(text: string): string {
  return text
    .replaceAll(/[ ,./\-_*^]/g, "")
    .toLowerCase()
    .replaceAll("'", '"');
}
