/**
 * Keeps web pages away from a server on this machine that listens to this machine only.
 *
 * A page may point a name of its own at 127.0.0.1 (DNS rebinding); to the browser that server is then the
 * page's own, and no other defence of the browser applies. But the name stands in the Host header. So only
 * names are let in that nobody outside can own: addresses, `localhost`, and names of reserved domains.
 */
import { isIP } from "node:net";
import { permissionDenied } from "@localmodel/inference/refusals.ts";
import type { RequestHandler } from "express";

export const guardHost: RequestHandler = (req, _res, next) => {
  const host = req.headers.host;
  // Browsers always send one.
  if (host !== undefined && !isOwnName(host)) {
    throw permissionDenied(
      "host_not_allowed",
      "This server only answers to localhost and to addresses. To let others in, start it with --host.",
    );
  }
  next();
};

/** `internal` is what containers call the machine they run on; the root servers never delegate it. */
const RESERVED = /(?:^|\.)(?:localhost|internal)\.?$/;

export function isOwnName(host: string): boolean {
  const name = host.replace(/:\d*$/, "").toLowerCase();
  if (name.startsWith("[")) return name.endsWith("]") && isIP(name.slice(1, -1)) === 6;
  return isIP(name) === 4 || RESERVED.test(name);
}
