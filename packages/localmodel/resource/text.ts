/**
 * Strings with bounds that zod and a Kubernetes API server read alike.
 *
 * The API server counts code points and matches with RE2, so lengths here count code points too
 * (zod's own `max` counts UTF-16 units) and no pattern uses lookaround or backreferences.
 */
import { z } from "zod";

/** A string of 1 to `maxLength` characters, without control characters. */
export function text(maxLength: number) {
  return boundedString(maxLength).regex(
    /^\P{Cc}+$/u,
    "must not be empty and must not contain control characters",
  );
}

/** Text that has to look like `pattern`; `rule` completes the sentence "… must be". */
export function textLike(maxLength: number, pattern: RegExp, rule: string) {
  // `allowed` is what the field reference shows in place of the pattern.
  return boundedString(maxLength).regex(pattern, `must be ${rule}`).meta({ allowed: rule });
}

/** Any string of at most `maxLength` characters, empty and multi-line ones included. */
export function boundedString(maxLength: number) {
  return z
    .string()
    .check((payload) => {
      if (payload.value.length <= maxLength || Array.from(payload.value).length <= maxLength)
        return;
      payload.issues.push({
        code: "too_big",
        origin: "string",
        maximum: maxLength,
        inclusive: true,
        input: payload.value,
      });
    })
    .meta({ maxLength });
}

export const LABEL_PATTERN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** An RFC 1123 label, as Kubernetes wants most names. */
export const Label = textLike(
  63,
  LABEL_PATTERN,
  'a lower-case RFC 1123 label: letters, digits and "-", starting and ending with a letter or digit',
);

/** An RFC 1123 subdomain: the name of a Secret, a claim, a priority class. */
export const Subdomain = textLike(
  253,
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  'a lower-case RFC 1123 subdomain: letters, digits, "-" and ".", starting and ending with a letter or digit',
);

/** A path inside something: it cannot climb out of it, whatever joins it to a root. */
export const RelativePath = textLike(
  1024,
  /^\.{0,2}[^./\\\p{Cc}][^/\\\p{Cc}]*(\/\.{0,2}[^./\\\p{Cc}][^/\\\p{Cc}]*)*$/u,
  'a relative path with "/" between its parts, none of them "." or ".."',
);

/** An absolute http or https URL with neither credentials nor a fragment. */
export const HttpUrl = textLike(
  2048,
  /^https?:\/\/([A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(:([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?][!-"$-~]*)?$/,
  'an absolute URL such as "https://host/model.gguf", without user name, password or "#fragment"',
);
