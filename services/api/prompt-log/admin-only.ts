/**
 * Who may see what others ask: an admin key; or, where no keys are configured and the service is told so,
 * whoever is on this machine.
 *
 * An address says little: behind a proxy everybody comes from this machine. So a request that passed one,
 * one by a name that is not this machine's, and one from a web page count as strangers.
 */
import { permissionDenied } from "@localmodel/inference/refusals.ts";
import { isOwnName } from "@localmodel/service/http/host-guard.ts";
import type { Request, RequestHandler } from "express";
import { contextOf } from "../request/context.ts";

type AdminOptions = {
  /** Whether this machine needs no key while none are configured. */
  readonly fromLoopback: boolean;
};

export function adminOnly({ fromLoopback }: AdminOptions): RequestHandler {
  return (req, res, next) => {
    const key = contextOf(res).key;
    const isAdmin = key === undefined ? fromLoopback && isFromHere(req) : key.admin;
    if (!isAdmin) throw permissionDenied("admin_key_required", REFUSAL);
    next();
  };
}

const REFUSAL =
  "This needs an API key with `admin: true`, or to be asked from the same machine while no keys are configured.";

const SIGNS_OF_A_STRANGER = ["forwarded", "origin", "via", "x-forwarded-for", "x-real-ip"] as const;

function isFromHere(req: Request): boolean {
  const address = (req.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  const isLoopback = address === "::1" || address.startsWith("127.");
  const isStranger = SIGNS_OF_A_STRANGER.some((name) => req.headers[name] !== undefined);
  return isLoopback && !isStranger && isOwnName(req.headers.host ?? "");
}
