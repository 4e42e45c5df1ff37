/** GET and DELETE /v1/responses/{id}, and GET /v1/responses/{id}/input_items: what is kept, for whose it is. */
import { Failure } from "@localmodel/inference/failure.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { allowOnly } from "@localmodel/service/http/errors.ts";
import { type Request, type Response, Router } from "express";
import { tenantOf } from "../request/context.ts";
import { inputPage } from "./input-page.ts";
import { itemsOf } from "./keeping.ts";
import type { KeptResponse, KeptResponses } from "./kept-responses.ts";

/** Nothing, where no answer is kept. */
export function keptRouter(kept: KeptResponses | undefined): Router {
  const router = Router();
  if (kept === undefined) return router;
  const found = (req: Request<{ id: string }>, res: Response): KeptResponse => {
    const one = kept.find(tenantOf(res), req.params.id);
    if (one === undefined) throw notFound(req.params.id);
    return one;
  };
  router
    .route("/v1/responses/:id")
    .get((req, res) => {
      if (req.query["stream"] === "true") throw notReplayed();
      res.type("json").send(found(req, res).response);
    })
    .delete((req, res) => {
      const { id } = found(req, res);
      kept.delete(tenantOf(res), id);
      res.json({ id, object: "response", deleted: true });
    })
    .all(allowOnly(["GET", "HEAD", "DELETE"]));
  router
    .route("/v1/responses/:id/input_items")
    .get((req, res) => {
      const { id, input, previous } = found(req, res);
      const before = previous === undefined ? [] : kept.conversation(tenantOf(res), previous);
      const items = [...itemsOf(before), input].filter(({ length }) => length > 0);
      const json = `[${items.map((item) => item.toString()).join(",")}]`;
      res.json(inputPage(id, JSON.parse(json) as object[], req.query));
    })
    .all(allowOnly(["GET", "HEAD"]));
  return router;
}

function notFound(id: string): Failure {
  return new Failure({
    kind: "not_found",
    code: null,
    field: null,
    message: `Response with id '${id.slice(0, 200)}' not found.`,
    retry: "never",
  });
}

function notReplayed(): Failure {
  const message = "Invalid 'stream': events are not kept. Get the response without it.";
  return invalidRequest("stream", message, "unsupported_parameter");
}
