/** The form of calls for tools whose schema says what tags cannot: JSON between the same markers. */
import type { ObjectForm, TaggedForm } from "./call-syntax.ts";

export function jsonFormOf({ before, after, around }: TaggedForm): ObjectForm {
  return {
    kind: "object",
    // The tag that names the function is not there.
    before: around?.before ?? before.replace(/<[^<>]*=[^<>]*$/, ""),
    after: around?.after ?? after.replace(/^<\/[^<>]*(?:function|invoke)>\s*/, ""),
    nameKey: "name",
    argumentsKey: "arguments",
  };
}
