/**
 * Gives a handler a signal that aborts the moment its client is gone.
 *
 * What breaks after that is an echo of the hang-up: there is nobody to tell, and nothing to report.
 */
import type { Logger } from "@localmodel/service/log/log.ts";
import { logFieldsOf } from "@localmodel/service/http/server-span.ts";
import type { Request, RequestHandler, Response } from "express";

type ConnectedHandler = (req: Request, res: Response, gone: AbortSignal) => Promise<void>;

export function whileConnected(log: Logger, handler: ConnectedHandler): RequestHandler {
  return async (req, res) => {
    const gone = new AbortController();
    // "close" also follows a complete answer. Nothing else destroys `res` here, unlike pipeline() would.
    const onClose = () => {
      if (!res.writableFinished) gone.abort();
    };
    if (res.closed) onClose();
    else res.once("close", onClose);
    try {
      await handler(req, res, gone.signal);
    } catch (error) {
      if (!gone.signal.aborted) throw error;
      log.info("the client hung up", { ...logFieldsOf(res), path: req.path });
    }
  };
}
