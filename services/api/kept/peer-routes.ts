/** What the other replicas of the API service ask this one for: peers.ts. For all others these paths do not exist. */
import { timingSafeEqual } from "node:crypto";
import { TENANT_HEADER } from "@localmodel/localmodel/contracts/internal-headers.ts";
import { SERVER_KEY_HEADER, serverKeyHash } from "@localmodel/localmodel/contracts/server-key.ts";
import { type Request, type Response, Router } from "express";
import { type KeptResponse, type KeptResponses, keptToWire } from "./kept-responses.ts";
import { PEER_PATH, PEER_PORT_HEADER, type Peers } from "./peers.ts";

export function peerRouter(kept: KeptResponses, peers: Peers): Router {
  const router = Router();
  const expected = Buffer.from(serverKeyHash(peers.key));
  router.use(PEER_PATH, (req, _res, next) => {
    const shown = Buffer.from(serverKeyHash(req.get(SERVER_KEY_HEADER) ?? ""));
    if (!timingSafeEqual(shown, expected)) return next("router");
    const port = Number(req.get(PEER_PORT_HEADER));
    const address = req.socket.remoteAddress;
    if (Number.isInteger(port) && port > 0 && address !== undefined) peers.heardFrom(address, port);
    next();
  });
  router.get(PEER_PATH, (_req, res) => {
    tell(res, []);
  });
  router.get(`${PEER_PATH}/:id`, (req, res) => {
    tell(res, [kept.find(tenantIn(req), req.params.id)]);
  });
  router.get(`${PEER_PATH}/:id/turn`, (req, res) => {
    tell(res, [kept.turn(tenantIn(req), req.params.id)]);
  });
  router.get(`${PEER_PATH}/:id/turns`, (req, res) => {
    const turns = kept.turnsUpTo(tenantIn(req), req.params.id);
    tell(res, turns.length === 0 ? [undefined] : turns);
  });
  router.delete(`${PEER_PATH}/:id`, (req, res) => {
    const isDeleted = kept.delete(tenantIn(req), req.params.id);
    tell(res, isDeleted ? [] : [undefined]);
  });
  return router;
}

/** 404 where one of them is missing. */
function tell(res: Response, found: readonly (KeptResponse | undefined)[]): void {
  const there = found.filter((one) => one !== undefined);
  if (there.length < found.length) res.sendStatus(404);
  else res.json(keptToWire(there));
}

function tenantIn(req: Request): string {
  return decodeURIComponent(req.get(TENANT_HEADER) ?? "");
}
