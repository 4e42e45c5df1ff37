/**
 * Reads calls where a marker has been found, each by the form that its family gives it.
 *
 * A call is told as soon as its name is known; before that nothing is, so that what turns out to be no call is still text.
 */
import {
  afterKeyOf,
  afterValueOf,
  type CallSyntax,
  type NamedForm,
  type ObjectForm,
  type TaggedForm,
} from "../syntax/call-syntax.ts";
import { jsonFormOf } from "../syntax/json-form.ts";
import type { ParameterKinds } from "../syntax/parameter-kinds.ts";
import { type Input, type Reading, reads, readsName, skipSpace } from "./input.ts";
import { passJson } from "./json-value.ts";
import type { ToolEvents } from "./tool-event.ts";

export type Calling = {
  readonly syntax: CallSyntax;
  /** Of each tool: how a tagged form writes its parameters. */
  readonly kinds: ReadonlyMap<string, ParameterKinds>;
  readonly names: ReadonlySet<string>;
  readonly input: Input;
  readonly events: ToolEvents;
};

/** Whether there was a call. The input stands behind the last that there was, or where it stood. */
export function* readCalls(calling: Calling): Reading<boolean> {
  const { alternatives = [] } = calling.syntax;
  for (const syntax of [calling.syntax, ...alternatives]) {
    if (yield* readCallsAs({ ...calling, syntax })) return true;
  }
  return false;
}

function* readCallsAs(calling: Calling): Reading<boolean> {
  const { syntax, input } = calling;
  const start = input.position;
  yield* reads(syntax.begin, input);
  if (!(yield* readCall(calling))) {
    input.position = start;
    return false;
  }
  for (;;) {
    const behind = input.position;
    yield* skipSpace(input);
    if (syntax.between !== undefined && (yield* reads(syntax.between.trim(), input))) {
      yield* skipSpace(input);
      if (yield* readCall(calling)) continue;
    }
    input.position = behind;
    yield* skipSpace(input);
    if (syntax.end === "" || !(yield* reads(syntax.end, input))) input.position = behind;
    return true;
  }
}

function* readCall(calling: Calling): Reading<boolean> {
  const { syntax, input } = calling;
  const { form } = syntax;
  const start = input.position;
  let found = yield* readForm(form, calling);
  if (!found && form.kind === "tagged") {
    input.position = start;
    found = yield* readForm(jsonFormOf(form), calling);
  }
  if (!found) input.position = start;
  return found;
}

function* readForm(form: CallSyntax["form"], calling: Calling): Reading<boolean> {
  const { input, events } = calling;
  if (!(yield* reads(form.before, input))) return false;
  yield* skipSpace(input);
  const told = events.calls;
  if (form.kind === "object") yield* readObject(form, calling);
  else yield* readNamed(form, calling);
  return events.calls > told;
}

function* readObject(form: ObjectForm, { names, input, events }: Calling): Reading<void> {
  if (!(yield* reads("{", input))) return;
  const name = yield* readNameField(form, names, input);
  if (name === undefined || (yield* readKey(input)) !== form.argumentsKey) return;
  events.call(name);
  input.forget();
  if (!(yield* passArguments(input, events))) return;
  yield* skipSpace(input);
  // Ids that some models write behind.
  while ((yield* reads(",", input)) && (yield* skipField(input))) yield* skipSpace(input);
  if (yield* reads(" }", input)) yield* readAfter(form.after, input);
}

/** Up to the field of the arguments; what stands before the name is an id, or a type. */
function* readNameField(
  { nameKey }: ObjectForm,
  names: ReadonlySet<string>,
  input: Input,
): Reading<string | undefined> {
  for (;;) {
    const key = yield* readKey(input);
    if (key === undefined) return undefined;
    if (key !== nameKey) {
      if (!(yield* passJson(input, ignored)) || !(yield* reads(" ,", input))) return undefined;
      continue;
    }
    if (!(yield* reads('"', input))) return undefined;
    const name = yield* readsName(names, input);
    return name !== undefined && (yield* reads('" ,', input)) ? name : undefined;
  }
}

function* skipField(input: Input): Reading<boolean> {
  return (yield* readKey(input)) !== undefined && (yield* passJson(input, ignored));
}

function ignored(): void {}

/** A key and its colon. */
function* readKey(input: Input): Reading<string | undefined> {
  yield* skipSpace(input);
  if (!(yield* reads('"', input))) return undefined;
  let key = "";
  for (;;) {
    const char = yield* input.peek();
    if (char === "" || char === "\\" || key.length > 64) return undefined;
    input.position += 1;
    if (char === '"') break;
    key += char;
  }
  if (!(yield* reads(" :", input))) return undefined;
  yield* skipSpace(input);
  return key;
}

function* passArguments(input: Input, events: ToolEvents): Reading<boolean> {
  const complete = yield* passJson(input, (text) => events.arguments(text));
  if (complete) events.end();
  input.forget();
  return complete;
}

function* readAfter(after: string, input: Input): Reading<void> {
  yield* skipSpace(input);
  yield* reads(after, input);
  input.forget();
}

function* readNamed(form: NamedForm | TaggedForm, calling: Calling): Reading<void> {
  const { names, input, events, kinds } = calling;
  const name = yield* readsName(names, input);
  if (name === undefined || !(yield* reads(form.afterName, input))) return;
  events.call(name);
  input.forget();
  if (form.kind === "named") {
    if (yield* passArguments(input, events)) yield* readAfter(form.after, input);
    return;
  }
  yield* readTagged(form, kinds.get(name), calling);
}

function* readTagged(
  form: TaggedForm,
  kinds: ParameterKinds | undefined,
  { input, events }: Calling,
): Reading<void> {
  let separator = "{";
  for (;;) {
    yield* skipSpace(input);
    if (!(yield* readsParameter(form, separator === "{", input))) break;
    const key = yield* readTaggedKey(form, input);
    if (key === undefined) break;
    const kind = kinds?.get(key) ?? "text";
    if (!(yield* reads(afterKeyOf(form, kind).trimEnd(), input))) break;
    events.arguments(`${separator}${JSON.stringify(key)}: `);
    separator = ", ";
    if (!(yield* readTaggedValue(form, { kind, key }, { input, events }))) return;
    input.forget();
  }
  const closed = yield* reads(form.after, input);
  if (!closed && input.ended) return;
  events.arguments(separator === "{" ? "{}" : "}");
  events.end();
  input.forget();
}

/** Whether another parameter follows; then what stands before its key has been read. */
function* readsParameter(form: TaggedForm, isFirst: boolean, input: Input): Reading<boolean> {
  const { separator = "", beforeKey, after } = form;
  const start = input.position;
  // Some families' ends begin like another key.
  const isEnd = yield* reads(after, input);
  input.position = start;
  if (isEnd || !(isFirst || (yield* reads(separator, input)))) return false;
  yield* skipSpace(input);
  return yield* reads(beforeKey, input);
}

function* readTaggedKey(form: TaggedForm, input: Input): Reading<string | undefined> {
  const [stop = ""] = afterKeyOf(form, "text");
  let key = "";
  for (;;) {
    const char = yield* input.peek();
    if (char === "" || key.length > 256) return undefined;
    if (char === stop) return key;
    key += char;
    input.position += 1;
  }
}

type Passing = Pick<Calling, "input" | "events">;

function* readTaggedValue(
  form: TaggedForm,
  { kind, key }: { readonly kind: "text" | "json"; readonly key: string },
  { input, events }: Passing,
): Reading<boolean> {
  if (kind === "json") {
    if (!(yield* passJson(input, (text) => events.arguments(text)))) return false;
    return yield* reads(afterValueOf(form, kind, key), input);
  }
  // The line break that a template writes around a value is not of the value.
  if (afterKeyOf(form, kind).endsWith("\n") && (yield* input.peek()) === "\n") input.position += 1;
  const end = afterValueOf(form, kind, key).trimEnd();
  events.arguments('"');
  for (;;) {
    const { rest } = input;
    const at = rest.indexOf(end);
    const known = at === -1 ? rest.length - heldLength(rest, end) : at;
    events.arguments(JSON.stringify(input.take(known)).slice(1, -1));
    if (at !== -1) {
      events.arguments('"');
      input.position += end.length;
      return true;
    }
    if (input.ended) return false;
    yield;
  }
}

/** Of the end of `text`, how much may still become `marker`, or half a character. */
function heldLength(text: string, marker: string): number {
  for (let length = Math.min(marker.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(marker.slice(0, length))) return length;
  }
  return /[\ud800-\udbff]$/.test(text) ? 1 : 0;
}
