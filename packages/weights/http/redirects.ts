/**
 * Decides where a redirect leads and what may go along.
 *
 * Credentials (a token, the headers a LocalModel adds) belong to the origin they were given for. They
 * are dropped at the first hop to another origin and never come back, not even when the chain returns,
 * because by then somebody else chose the URL. For the same reason only a private host may redirect to a private one:
 * what a host on the internet cannot reach itself, it must not reach through us.
 */
import { publicUrl } from "../source/redact.ts";
import type { Reach } from "./reach.ts";

const MAX_REDIRECTS = 10;

export type Leg = {
  readonly url: string;
  readonly credentials: Readonly<Record<string, string>>;
  /** Hosts that redirects may lead to besides the leg's own; `*.` stands for any below. Absent: all. */
  readonly redirectHosts?: readonly string[];
};

type Hops = {
  /** So many have been followed. */
  readonly count: number;
  /** Whether the host that redirects is a private one. */
  readonly fromPrivate: boolean;
};

type Redirect =
  | { readonly kind: "follow"; readonly leg: Leg; readonly reach: Reach }
  | { readonly kind: "refuse"; readonly message: string };

export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

export function nextLeg(from: Leg, location: string | undefined, hops: Hops): Redirect {
  const here = hostOf(from.url);
  if (hops.count >= MAX_REDIRECTS) {
    return refuse(`${here} is the end of ${MAX_REDIRECTS} redirects, and it redirects again`);
  }
  const target = location === undefined ? null : URL.parse(location, from.url);
  if (target === null) return refuse(`${here} redirects without saying where to`);
  const problem = problemOf(from, target);
  if (problem !== undefined) return refuse(`${here} redirects ${problem}`);
  target.username = "";
  target.password = "";
  target.hash = "";
  const credentials = target.origin === new URL(from.url).origin ? from.credentials : {};
  // Whoever names a host exactly means it, wherever it is; below a domain anybody may have a name.
  const isMeant = from.redirectHosts?.includes(target.hostname) === true;
  return {
    kind: "follow",
    leg: { ...from, url: target.href, credentials },
    reach: hops.fromPrivate || isMeant ? "anywhere" : "public",
  };
}

function problemOf({ url, credentials, redirectHosts }: Leg, target: URL): string | undefined {
  if (target.protocol !== "http:" && target.protocol !== "https:") {
    return "to what is no http or https URL; only those are followed";
  }
  const source = new URL(url);
  const carriesCredentials = Object.keys(credentials).length > 0;
  if (carriesCredentials && source.protocol === "https:" && target.protocol === "http:") {
    return `a request with credentials to the unencrypted ${target.host}; use an https URL`;
  }
  if (redirectHosts === undefined || target.hostname === source.hostname) return undefined;
  if (redirectHosts.some((host) => isBelow(target.hostname, host))) return undefined;
  return `to ${target.host}, which is none of the hosts that this platform allows: ${redirectHosts.join(", ")}`;
}

function isBelow(hostname: string, host: string): boolean {
  return host.startsWith("*.") ? hostname.endsWith(host.slice(1)) : hostname === host;
}

/** What a person is told where `host`, which a public one redirected to, is private. */
export function privateTarget(from: string, host: string): string {
  return `${hostOf(from)} redirects to ${host}, which is in a private network; only a host of one may do that. If it is meant, name its URL as the source`;
}

/** Without the path, which somebody else has chosen. */
function hostOf(url: string): string {
  return URL.parse(url)?.host ?? publicUrl(url);
}

function refuse(message: string): Redirect {
  return { kind: "refuse", message };
}
