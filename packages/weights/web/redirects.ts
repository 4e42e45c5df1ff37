/**
 * Decides where a redirect leads and what may go along.
 *
 * Credentials (a token, the headers a LocalModel adds) belong to the origin they were given for. They
 * are dropped at the first hop to another origin and never come back, not even when the chain returns,
 * because by then somebody else chose the URL.
 */
import { publicUrl } from "../source/redact.ts";

const MAX_REDIRECTS = 10;

export type Leg = {
  readonly url: string;
  readonly credentials: Readonly<Record<string, string>>;
};

type Redirect =
  | { readonly kind: "follow"; readonly leg: Leg }
  | { readonly kind: "refuse"; readonly message: string };

export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

export function nextLeg(from: Leg, location: string | undefined, hops: number): Redirect {
  const here = publicUrl(from.url);
  if (hops >= MAX_REDIRECTS) {
    return refuse(`${here} is the end of ${MAX_REDIRECTS} redirects, and it redirects again`);
  }
  const target = location === undefined ? null : URL.parse(location, from.url);
  if (target === null) return refuse(`${here} redirects without saying where to`);
  if (target.protocol !== "http:" && target.protocol !== "https:") {
    return refuse(
      `${here} redirects to a ${target.protocol} URL; only http and https are followed`,
    );
  }
  const source = new URL(from.url);
  const carriesCredentials = Object.keys(from.credentials).length > 0;
  if (carriesCredentials && source.protocol === "https:" && target.protocol === "http:") {
    return refuse(
      `${here} redirects a request with credentials to the unencrypted ${publicUrl(target.href)}; use an https URL`,
    );
  }
  target.username = "";
  target.password = "";
  target.hash = "";
  const credentials = target.origin === source.origin ? from.credentials : {};
  return { kind: "follow", leg: { url: target.href, credentials } };
}

function refuse(message: string): Redirect {
  return { kind: "refuse", message };
}
