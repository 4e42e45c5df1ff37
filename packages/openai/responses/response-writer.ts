/**
 * From the engine's events to those of a response, in OpenAI's order and numbered, and to the response as a whole.
 *
 * One item of the output is open at a time: what is thought, what is said, one call after the other. Whatever belongs to
 * another item ends the one before.
 */
import type { Frame } from "@localmodel/inference/dialect.ts";
import type { Usage } from "@localmodel/inference/events.ts";
import type { Failure } from "@localmodel/inference/failure.ts";
import type { FinishReason, GenerateEvent } from "@localmodel/inference/generate.ts";
import type { AnswerHead } from "@localmodel/inference/wire.ts";
import { itemId } from "../item-ids.ts";
import { clientCallItem, FORMS, isClientTool } from "./client-tools.ts";
import {
  customCallItem,
  functionCallItem,
  type ItemStatus,
  messageItem,
  type OutputItem,
  type Place,
  reasoningItem,
  type Told,
} from "./output-items.ts";
import { responseObject, type ResponseEnd } from "./response-object.ts";
import { calledTools } from "./response-tools.ts";
import type { ResponsesRequest } from "./responses-request.ts";

type Kind = "reasoning" | "message" | "call";

const PREFIXES = {
  reasoning: "rs_",
  message: "msg_",
  function: "fc_",
  custom: "ctc_",
  local_shell: FORMS.local_shell.idPrefix,
  shell: FORMS.shell.idPrefix,
  apply_patch: FORMS.apply_patch.idPrefix,
};

export class ResponseWriter {
  readonly #request: ResponsesRequest;
  readonly #tools: ReturnType<typeof calledTools>;
  readonly #response: (end: ResponseEnd) => object;
  readonly #id: string;
  readonly #output: object[] = [];
  #open: { readonly kind: Kind; readonly item: OutputItem } | undefined;
  #said = false;
  #reason: FinishReason = "stop";
  #sent = 0;

  constructor(head: AnswerHead, request: ResponsesRequest, isKept: boolean) {
    this.#request = request;
    this.#tools = calledTools(request);
    this.#response = responseObject(head, request, isKept);
    this.#id = head.id;
  }

  frames(event: GenerateEvent): readonly Frame[] {
    return this.#told(event).map((told) => this.#frame(told));
  }

  /**
   * That it goes on: Codex for one gives a stream up that has no event for five minutes, and a long prompt on a CPU may take
   * longer. The first one begins the stream.
   */
  idle(): readonly Frame[] {
    const told = this.#sent === 0 ? this.#started() : [this.#inProgress()];
    return told.map((one) => this.#frame(one));
  }

  /** None before the stream has begun. */
  failed(failure: Failure): readonly Frame[] {
    if (this.#sent === 0) return [];
    const open = this.#open === undefined ? [] : [this.#open.item.item("incomplete")];
    const output = [...this.#output, ...open];
    const response = this.#response({ status: "failed", output, failure });
    return [this.#frame({ type: "response.failed", response })];
  }

  whole(events: readonly GenerateEvent[]): object {
    let usage: Usage | undefined;
    for (const event of events) {
      this.#told(event);
      if (event.type === "done") usage = event.usage;
    }
    return this.#ended(usage);
  }

  #frame({ type, ...fields }: Told): Frame {
    const data = { type, sequence_number: this.#sent, ...fields };
    this.#sent += 1;
    return { event: type, data };
  }

  #told(event: GenerateEvent): readonly Told[] {
    switch (event.type) {
      case "started":
        return this.#sent === 0 ? this.#started() : [];
      case "delta":
        return this.#delta(event);
      case "tool_call":
        return this.#begin("call", this.#callItem(event));
      case "tool_arguments":
        return this.#open?.item.write(event.text) ?? [];
      case "finish":
        return this.#finish(event.reason);
      case "done":
        return [{ type: `response.${this.#status}`, response: this.#ended(event.usage) }];
      // What else the engine tells is no business of a client.
      default:
        return [];
    }
  }

  #started(): readonly Told[] {
    const inProgress = this.#inProgress();
    return [{ ...inProgress, type: "response.created" }, inProgress];
  }

  #inProgress(): Told {
    const response = this.#response({ status: "in_progress", output: [...this.#output] });
    return { type: "response.in_progress", response };
  }

  #delta(event: Extract<GenerateEvent, { type: "delta" }>): readonly Told[] {
    const { text, isReasoning = false, logprobs } = event;
    if (text === "" && (isReasoning || logprobs === undefined)) return [];
    const kind = isReasoning ? "reasoning" : "message";
    const begun = this.#open?.kind === kind ? [] : this.#begin(kind, this.#textItem(kind));
    return [...begun, ...(this.#open?.item.write(text, logprobs) ?? [])];
  }

  /** An answer always has something to read, unless it called, or was cut off before. */
  #finish(reason: FinishReason): readonly Told[] {
    this.#reason = reason;
    const isSilent = !this.#said && (reason !== "length" || this.#open === undefined);
    const empty = isSilent ? this.#begin("message", this.#textItem("message")) : [];
    return [...empty, ...this.#end(this.#status)];
  }

  #begin(kind: Kind, item: OutputItem): readonly Told[] {
    const ended = this.#end("completed");
    this.#open = { kind, item };
    if (kind !== "reasoning") this.#said = true;
    return [...ended, ...item.begin()];
  }

  #end(status: ItemStatus): readonly Told[] {
    if (this.#open === undefined) return [];
    const { item } = this.#open;
    this.#open = undefined;
    this.#output.push(item.item(status));
    return item.end(status);
  }

  #textItem(kind: "reasoning" | "message"): OutputItem {
    const place = this.#place(kind);
    if (kind === "message") return messageItem(place);
    const encrypted = this.#request.include?.includes("reasoning.encrypted_content") === true;
    return reasoningItem(place, encrypted ? { encrypted_content: null } : {});
  }

  #callItem({ id: callId, name }: Extract<GenerateEvent, { type: "tool_call" }>): OutputItem {
    const { type, ...named } = this.#tools.get(name) ?? { type: "function", name };
    if (isClientTool(type)) return clientCallItem(this.#place(type), { callId, type });
    return type === "custom"
      ? customCallItem(this.#place("custom"), { callId, ...named })
      : functionCallItem(this.#place("function"), { callId, ...named });
  }

  /** Behind what is open, which ends when the next item begins. */
  #place(kind: keyof typeof PREFIXES): Place {
    const index = this.#output.length + (this.#open === undefined ? 0 : 1);
    return { id: itemId(PREFIXES[kind], this.#id, index), index };
  }

  get #status(): "completed" | "incomplete" {
    return this.#reason === "length" ? "incomplete" : "completed";
  }

  #ended(usage: Usage | undefined): object {
    return this.#response({
      status: this.#status,
      output: this.#output,
      ...(usage !== undefined && { usage }),
    });
  }
}
