/** What is of each call, and what is of all calls of an answer together: two calls have the one twice, the other once. */
import { sharedBeginning, sharedEnd, withoutBeginning, withoutEnd } from "./cuts.ts";

/** What stands around a call that is alone in its answer. */
type Lone = { readonly before: string; readonly after: string };

export type Around = Lone & {
  readonly begin: string;
  readonly end: string;
  readonly between?: string;
};

/** `middle` stands between two calls. Absent: the template writes one at most. */
export function around(lone: Lone, middle: string | undefined): Around | undefined {
  if (middle === undefined) return { begin: "", ...trimmed(lone), end: "" };
  const before = sharedEnd(lone.before, middle);
  const left = withoutEnd(middle, before) ?? "";
  const after = sharedBeginning(lone.after, left);
  const between = withoutBeginning(left, after);
  const begin = withoutEnd(lone.before, before);
  const end = withoutBeginning(lone.after, after);
  if (between === undefined || begin === undefined || end === undefined) return undefined;
  if (begin.trim() === "") return { begin: "", ...trimmed({ before, after }), end, between };
  return { begin: begin.trimStart(), before, after, end: end.trimEnd(), between };
}

/** Lines around an answer are not of its calls. A space is: where it is not written, another token is. */
function trimmed({ before, after }: Lone): Lone {
  return { before: before.replace(/^\s*\n\s*/, ""), after: after.trimEnd() };
}
