/**
 * The form of calls that write their arguments one by one, from what stands between the parts of some calls:
 *
 *     before name afterName beforeKey key afterKey value afterValue separator beforeKey key … after
 *
 * What stands between two parts is a sum of these, and each of them is what two such sums share.
 */
import type { TaggedForm } from "../syntax/call-syntax.ts";
import { sharedEnd, withoutBeginning, withoutEnd } from "./cuts.ts";
import { type FoundArguments, foundTagged } from "./found-call.ts";
import type { Described } from "./json-form.ts";
import { EMPTY, FULL, QUOTING, type WrittenProbes } from "./probe-calls.ts";
import { around } from "./several-calls.ts";

export function taggedSyntax(written: WrittenProbes): Described | undefined {
  const form = taggedForm(written);
  if (form === undefined) return undefined;
  const names = form.before.split("{name}").length;
  const rest =
    written.two === undefined
      ? undefined
      : foundTagged(written.two, FULL, { ...form, names })?.last;
  const middle = rest?.split(EMPTY.name).slice(0, names).join("{name}");
  const afterValue = typeof form.afterValue === "string" ? form.afterValue : form.afterValue.json;
  const found = around(
    form,
    rest?.includes(EMPTY.name) === true ? withoutBeginning(middle ?? "", afterValue) : undefined,
  );
  if (found === undefined) return undefined;
  const { before, after, ...others } = found;
  return { ...others, form: { ...form, before, after } };
}

/** With what is around all calls in `before` and `after`. */
function taggedForm(written: WrittenProbes): TaggedForm | undefined {
  const [quoted = ""] = Object.values(QUOTING.arguments).map(String);
  const quotesStrings = !written.quoting.includes(quoted);
  const [key = ""] = Object.keys(FULL.arguments);
  const [opening = ""] = written.full.split(key);
  const how = { quotesStrings, names: Math.max(1, opening.split(FULL.name).length - 1) };
  const full = foundTagged(written.full, FULL, how);
  const quoting = foundTagged(written.quoting, QUOTING, how);
  const empty = foundTagged(written.empty, EMPTY, how);
  const parts = full && quoting && empty && takenApart({ full, quoting, empty });
  if (parts === undefined) return undefined;
  const { separator, ...others } = parts;
  return {
    kind: "tagged",
    before: full?.before ?? "",
    ...others,
    ...(separator !== "" && { separator }),
    ...(quotesStrings && { quotesStrings }),
  };
}

type Found = Readonly<Record<"full" | "quoting" | "empty", FoundArguments>>;

type Parts = Omit<TaggedForm, "kind" | "before" | "separator"> & { readonly separator: string };

function takenApart({ full, quoting, empty }: Found): Parts | undefined {
  const [text, , number] = full.arguments;
  if (text === undefined || number === undefined || text.afterKey === "") return undefined;
  const beforeKey = sharedEnd(sharedEnd(full.afterName, text.next), number.next).trimStart();
  const afterName = withoutEnd(full.afterName, beforeKey) ?? "";
  const after = withoutBeginning(empty.last, afterName) ?? empty.last;
  const afterText = withoutEnd(quoting.last, after);
  const afterJson = withoutEnd(full.last, after);
  if (afterText === undefined || afterJson === undefined) return undefined;
  const separator = withoutBeginning(withoutEnd(text.next, beforeKey) ?? "", afterText);
  if (separator === undefined) return undefined;
  return {
    afterName,
    beforeKey,
    afterKey: bothWays(text.afterKey, number.afterKey),
    afterValue: bothWays(afterText, afterJson),
    separator,
    after,
  };
}

function bothWays(text: string, json: string): TaggedForm["afterKey"] {
  return text === json ? text : { text, json };
}
