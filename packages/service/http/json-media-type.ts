/** Whether a body says that it is JSON, in the one encoding that JSON has. */
export function isJsonMediaType(contentType: string | undefined): boolean {
  if (contentType === "application/json") return true;
  const [mediaType = "", ...parameters] = (contentType ?? "").toLowerCase().split(";");
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith("charset="));
  return (
    /^\s*application\/([\w.+-]+\+)?json\s*$/.test(mediaType) &&
    (charset === undefined || /^charset="?utf-?8"?$/.test(charset))
  );
}
