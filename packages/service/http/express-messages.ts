/**
 * Requests and responses that are Express' from the beginning.
 *
 * Express gives every request and response another prototype when it comes in, and an object whose prototype has
 * changed is slow in everything that touches it afterwards. When a server makes them with the right one, there is
 * nothing left to change.
 */
import type { Express } from "express";
import {
  IncomingMessage,
  type RequestListener,
  type ServerOptions,
  ServerResponse,
} from "node:http";

export function isExpress(app: RequestListener): app is Express {
  return "request" in app && "response" in app;
}

/** For `createServer`. From here on the app takes no others for its own. */
export function messagesOf(
  app: Express,
): Pick<ServerOptions, "IncomingMessage" | "ServerResponse"> {
  class AppRequest extends IncomingMessage {}
  class AppResponse<Request extends IncomingMessage> extends ServerResponse<Request> {
    /** A plain object, where Express would make one without prototype, which is a dictionary. */
    readonly locals = {};
  }
  Object.setPrototypeOf(AppRequest.prototype, app.request);
  Object.setPrototypeOf(AppResponse.prototype, app.response);
  app.request = AppRequest.prototype as Express["request"];
  app.response = AppResponse.prototype as unknown as Express["response"];
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse };
}
