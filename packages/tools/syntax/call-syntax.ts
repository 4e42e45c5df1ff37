/**
 * How a family of models writes tool calls: a description from which the grammar, the reader and what begins a call are
 * derived.
 *
 *     begin  call between call  end
 *
 * Every text is written as the family's chat template writes it. White space in it is loose where the model chooses when
 * to begin, and for the reader. Before and after names `{n}` stands for digits and `{id}` for letters and digits; before a
 * name `{name}` is the same name, and behind a value `{key}` is its key.
 */
export type CallSyntax = {
  readonly name: string;
  /** Before the first call, and after the last. */
  readonly begin: string;
  readonly end: string;
  /** Absent: one call is all there is. */
  readonly between?: string;
  /** What only a call begins with, `{name}` its tool's. Empty: a call begins with the name of its tool, see `markersOf`. */
  readonly marker: string;
  /** Names that say something else in a marker: of tools with these, all that is before the name is the marker. */
  readonly reserved?: readonly string[];
  /** Other ways in which its models write calls where they choose to. */
  readonly alternatives?: readonly CallSyntax[];
  readonly form: CallForm;
};

export type CallForm = ObjectForm | NamedForm | TaggedForm;

/** `{"name": "f", "arguments": {…}}` */
export type ObjectForm = {
  readonly kind: "object";
  readonly before: string;
  readonly after: string;
  /** A first field whose value is a number in quotes. */
  readonly idKey?: string;
  readonly nameKey: string;
  readonly argumentsKey: string;
};

/** `f` and after it the arguments as JSON. */
export type NamedForm = {
  readonly kind: "named";
  readonly before: string;
  readonly afterName: string;
  readonly after: string;
};

/** `f` and after it each argument by its key; strings as they are, everything else as JSON. */
export type TaggedForm = {
  readonly kind: "tagged";
  readonly before: string;
  readonly afterName: string;
  readonly beforeKey: string;
  /** Where it says whether the value is a string, both ways to say so. */
  readonly afterKey: string | { readonly text: string; readonly json: string };
  readonly afterValue: string | { readonly text: string; readonly json: string };
  /** Between two arguments. Absent: nothing. */
  readonly separator?: string;
  /** Strings are JSON too. */
  readonly quotesStrings?: boolean;
  readonly after: string;
  /** Around a call as JSON, where that does not follow from the tags. */
  readonly around?: Pick<ObjectForm, "before" | "after">;
};

/** What stands between the beginning of the answer's calls and the name of the first. */
export function openingOf({ begin, form }: Pick<CallSyntax, "begin" | "form">): string {
  return begin + form.before;
}

/** A text before a name, where it has the same name before. */
export function withName(text: string, name: string): string {
  return text.replaceAll("{name}", () => name);
}

export function afterKeyOf({ afterKey }: TaggedForm, kind: "text" | "json"): string {
  return typeof afterKey === "string" ? afterKey : afterKey[kind];
}

export function afterValueOf(
  { afterValue }: TaggedForm,
  kind: "text" | "json",
  key: string,
): string {
  const text = typeof afterValue === "string" ? afterValue : afterValue[kind];
  return text.replaceAll("{key}", () => key);
}

/**
 * The texts that begin a call of one of these tools, and nothing else that a model would write.
 *
 * Where calls are bare JSON, it is the name of a tool that tells one from other objects.
 */
export function markersOf(syntax: CallSyntax, names: readonly string[]): readonly string[] {
  const { marker, form, alternatives = [], reserved = [] } = syntax;
  const others = alternatives.flatMap((one) => markersOf(one, names));
  const opening = openingOf(syntax);
  if (marker.includes("{name}")) {
    const markerFor = (name: string) => (reserved.includes(name) ? opening : marker);
    return [...names.map((name) => withName(markerFor(name), name)), ...others];
  }
  if (marker !== "") return [marker, ...others];
  if (form.kind !== "object") {
    const afterName = form.afterName.replace(/\{(?:n|id)\}[^]*$/, "").trimEnd();
    return names.map((name) => withName(opening, name) + name + afterName);
  }
  const key = JSON.stringify(form.nameKey);
  return names.flatMap((name) =>
    ["", " "].map((space) => `${withName(opening, name)}{${key}:${space}"${name}"`),
  );
}
