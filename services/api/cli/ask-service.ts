/** Asks the service at a URL that a person says. Base URLs that end with /v1, as `npm start` prints them, mean the same service. */

export type Asked = { readonly url: string; readonly key?: string };

/** `path` is the service's own. Throws where nobody answers. */
export function askService(
  { url, key }: Asked,
  path: string,
  { method = "GET" }: { readonly method?: string } = {},
): Promise<Response> {
  const target = new URL(`${url.replace(/\/+$/, "").replace(/\/v1$/, "")}${path}`);
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return fetch(target, { method, headers }).catch((error: unknown) => {
    throw new Error(`nobody answers at ${target.origin}; is the service running?`, {
      cause: error,
    });
  });
}
