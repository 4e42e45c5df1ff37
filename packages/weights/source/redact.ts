/**
 * URLs and text as they may appear in messages and on disk.
 *
 * User information and queries are where secrets travel (basic authentication, presigned URLs), so
 * neither is ever shown.
 */

/** The URL without credentials; a query is shown as "?…", a fragment not at all. */
export function publicUrl(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return "(not a URL)";
  const query = parsed.search === "" ? "" : "?…";
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}${query}`;
}

/** A URL that a request for `asked` was answered by: where a redirect has led elsewhere, its host alone. */
export function answeringUrl(url: string, asked: string): string {
  return url === asked ? publicUrl(url) : (URL.parse(url)?.host ?? publicUrl(url));
}

/** Somebody else's message (pip's, a server's) on one line, bounded, its URLs made public. */
export function publicText(text: string, maxLength = 300): string {
  const line = text
    .replaceAll(/https?:\/\/[^\s"'<>)\]]+/g, (url) => publicUrl(url))
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`;
}
