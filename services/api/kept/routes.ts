/**
 * GET and DELETE /v1/responses/{id}, GET /v1/responses/{id}/input_items and POST /v1/responses/{id}/cancel: what is kept, for
 * whose it is. POST /v1/responses/compact, which looks like one of them, is refused by name.
 */
import { Failure } from "@localmodel/inference/failure.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { ITEM_REFERENCES, referencedId } from "@localmodel/openai/item-ids.ts";
import { allowOnly } from "@localmodel/service/http/errors.ts";
import { type Request, type RequestHandler, type Response, Router } from "express";
import { tenantOf } from "../request/context.ts";
import { inputPage } from "./input-page.ts";
import type { AnswerStore } from "./answer-store.ts";
import { itemsOf } from "./earlier.ts";
import type { KeptResponse } from "./kept-responses.ts";
import { referencedItems } from "./references.ts";

type Named = { readonly id: string };

/** Nothing, where no answer is kept. `maxBytes`: of a conversation that is listed. */
export function keptRouter(kept: AnswerStore | undefined, maxBytes: number): Router {
  const router = Router();
  router.post("/v1/responses/compact", () => {
    throw notCompacted();
  });
  if (kept === undefined) return router;
  const answers = answersFrom(kept, maxBytes);
  router
    .route("/v1/responses/:id")
    .get(answers.get)
    .delete(answers.delete)
    .all(allowOnly(["GET", "HEAD", "DELETE"]));
  router
    .route("/v1/responses/:id/input_items")
    .get(answers.listInput)
    .all(allowOnly(["GET", "HEAD"]));
  router
    .route("/v1/responses/:id/cancel")
    .post(answers.cancel)
    .all(allowOnly(["POST"]));
  return router;
}

type Answer = RequestHandler<Named>;

type Answers = Readonly<Record<"get" | "delete" | "listInput" | "cancel", Answer>>;

function answersFrom(kept: AnswerStore, maxBytes: number): Answers {
  const found = async (req: Request<Named>, res: Response): Promise<KeptResponse> => {
    const one = await kept.find(tenantOf(res), req.params.id);
    if (one === undefined) throw notFound(req.params.id);
    return one;
  };
  return {
    get: async (req, res) => {
      if (req.query["stream"] === "true") throw notReplayed();
      res.type("json").send((await found(req, res)).response);
    },
    delete: async (req, res) => {
      const { id } = req.params;
      if (!(await kept.delete(tenantOf(res), id))) throw notFound(id);
      res.json({ id, object: "response", deleted: true });
    },
    listInput: async (req, res) => {
      const { id, input, previous } = await found(req, res);
      const before =
        previous === undefined ? [] : await kept.turnsUpTo(tenantOf(res), previous, maxBytes);
      const items = [...itemsOf(before), input].filter(({ length }) => length > 0);
      const json = Buffer.from(`[${items.map((item) => item.toString()).join(",")}]`);
      const named = await referencedItems(kept, tenantOf(res), {
        references: ITEM_REFERENCES,
        prompts: [json],
        maxBytes,
      });
      const listed = JSON.parse(json.toString()) as object[];
      res.json(inputPage(id, listed.map(withItems(named)), req.query));
    },
    cancel: async (req, res) => {
      await found(req, res);
      throw invalidRequest(null, "Cannot cancel a synchronous response.");
    },
  };
}

/** Items that were named are listed themselves. */
function withItems(named: ReadonlyMap<string, Buffer>): (item: object) => object {
  return (item) => {
    const [id = ""] = referencedId(item);
    const json = named.get(id);
    return json === undefined ? item : (JSON.parse(json.toString()) as object);
  };
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

function notCompacted(): Failure {
  return new Failure({
    kind: "not_found",
    code: "unknown_url",
    field: null,
    message:
      "Conversations are not compacted here: POST /v1/responses/compact is not served. Send a shorter 'input', or 'truncation': \"auto\" with the request itself.",
    retry: "never",
  });
}

function notReplayed(): Failure {
  const message = "Invalid 'stream': events are not kept. Get the response without it.";
  return invalidRequest("stream", message, "unsupported_parameter");
}
