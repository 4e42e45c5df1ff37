/** Calls as the model wrote them, for a prompt whose template has no words for them. */
import {
  afterKeyOf,
  afterValueOf,
  type CallForm,
  type CallSyntax,
  withName,
} from "../syntax/call-syntax.ts";

type WrittenCall = { readonly name: string; readonly arguments: unknown };

export function writtenCalls(syntax: CallSyntax, calls: readonly WrittenCall[]): string {
  const written = calls.map((call) => writtenCall(syntax.form, call));
  return syntax.begin + written.join(syntax.between ?? "\n") + syntax.end;
}

function writtenCall(form: CallForm, { name, arguments: args }: WrittenCall): string {
  const before = withName(form.before, name);
  switch (form.kind) {
    case "object": {
      const id = form.idKey === undefined ? "" : `"${form.idKey}": "0", `;
      const named = `"${form.nameKey}": ${JSON.stringify(name)}`;
      return `${before}{${id}${named}, "${form.argumentsKey}": ${jsonOf(args)}}${form.after}`;
    }
    case "named": {
      const [opening, afterName] = [before, form.afterName].map((text) =>
        text.replace("{n}", "0").replace("{id}", "abcDEF123"),
      );
      return `${opening}${name}${afterName}${jsonOf(args)}${form.after}`;
    }
    case "tagged": {
      const values = typeof args === "object" && args !== null ? args : {};
      const parameters = Object.entries(values).map(([key, value]) => {
        const isText = typeof value === "string" && form.quotesStrings !== true;
        const kind = isText ? "text" : "json";
        const shown = isText ? value : spaced(value);
        return (
          form.beforeKey + key + afterKeyOf(form, kind) + shown + afterValueOf(form, kind, key)
        );
      });
      const written = parameters.join(form.separator ?? "");
      return before + name + form.afterName + written + form.after;
    }
  }
}

/** What is no JSON stays what the client sent. */
function jsonOf(value: unknown): string {
  return typeof value === "string" ? value : spaced(value);
}

/** As Python writes it, which is what models have seen. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).map(
    ([key, inner]) => `${JSON.stringify(key)}: ${spaced(inner)}`,
  );
  return `{${members.join(", ")}}`;
}
