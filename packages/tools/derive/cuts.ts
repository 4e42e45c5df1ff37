/**
 * Finding out what texts are put together from. Where several cuts are possible, none goes through a tag: `</a><b>` and
 * `</c><b>` have `<b>` in common, and not `><b>`.
 */
const OPEN_TAG = /<[^<>\s]*$|\[[A-Z_]+$/;

/** The longest text that both begin with, as far as it ends outside of tags. */
export function sharedBeginning(a: string, b: string): string {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length += 1;
  while (length > 0 && length < Math.max(a.length, b.length) && isOpen(a.slice(0, length)))
    length -= 1;
  return a.slice(0, length);
}

/** The longest text that both end with, as far as what stands before it ends outside of tags. */
export function sharedEnd(a: string, b: string): string {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.at(-length - 1) === b.at(-length - 1)) length += 1;
  const isCut = () => [a, b].some((text) => isOpen(text.slice(0, text.length - length)));
  while (length > 0 && isCut()) length -= 1;
  return length === 0 ? "" : a.slice(-length);
}

export function withoutBeginning(text: string, beginning: string): string | undefined {
  return text.startsWith(beginning) ? text.slice(beginning.length) : undefined;
}

export function withoutEnd(text: string, end: string): string | undefined {
  return text.endsWith(end) ? text.slice(0, text.length - end.length) : undefined;
}

function isOpen(text: string): boolean {
  return OPEN_TAG.test(text);
}
