/**
 * The items of an output while they are written: what an answer's stream tells of each, from its beginning to its end, and
 * what it is as a whole.
 */
import type { TokenLogprob } from "@localmodel/inference/generate.ts";
import { chatLogprobs } from "../answers/logprobs.ts";
import { CustomInput } from "../chat/custom-input.ts";
import type { NamespacedName } from "./namespaces.ts";

/** An event without its number. */
export type Told = { readonly type: string; readonly [field: string]: unknown };

export type ItemStatus = "in_progress" | "completed" | "incomplete";

export type OutputItem = {
  begin(): readonly Told[];
  /** The next piece of its text. */
  write(text: string, logprobs?: readonly TokenLogprob[]): readonly Told[];
  end(status: ItemStatus): readonly Told[];
  item(status: ItemStatus): object;
};

/** Where in the output it is. */
export type Place = { readonly id: string; readonly index: number };

function added({ index }: Place, item: object): Told {
  return { type: "response.output_item.added", output_index: index, item };
}

function done({ index }: Place, item: object): Told {
  return { type: "response.output_item.done", output_index: index, item };
}

export function messageItem(place: Place): OutputItem {
  const at = { item_id: place.id, output_index: place.index, content_index: 0 };
  const logprobs: TokenLogprob[] = [];
  let text = "";
  const part = (): object => ({
    type: "output_text",
    annotations: [],
    logprobs: chatLogprobs(logprobs).content,
    text,
  });
  const message = (status: ItemStatus, content: readonly object[]): object => {
    return { id: place.id, type: "message", status, role: "assistant", content };
  };
  const item = (status: ItemStatus): object => message(status, [part()]);
  return {
    item,
    begin: () => [
      added(place, message("in_progress", [])),
      { type: "response.content_part.added", ...at, part: part() },
    ],
    write: (delta, ofDelta = []) => {
      text += delta;
      logprobs.push(...ofDelta);
      const type = "response.output_text.delta";
      return [{ type, ...at, delta, logprobs: withoutBytes(ofDelta) }];
    },
    end: (status) => [
      { type: "response.output_text.done", ...at, text, logprobs: withoutBytes(logprobs) },
      { type: "response.content_part.done", ...at, part: part() },
      done(place, item(status)),
    ],
  };
}

/** As events have them, other than items. */
function withoutBytes(logprobs: readonly TokenLogprob[]): readonly object[] {
  return chatLogprobs(logprobs).content.map(({ token, logprob, top_logprobs: top }) => ({
    token,
    logprob,
    top_logprobs: top.map((one) => ({ token: one.token, logprob: one.logprob })),
  }));
}

export function reasoningItem(place: Place, extra: object): OutputItem {
  const at = { item_id: place.id, output_index: place.index, content_index: 0 };
  let text = "";
  const part = (): object => ({ type: "reasoning_text", text });
  const reasoning = (status: ItemStatus, content: readonly object[]): object => {
    return { id: place.id, type: "reasoning", summary: [], content, ...extra, status };
  };
  const item = (status: ItemStatus): object => reasoning(status, [part()]);
  return {
    item,
    begin: () => [
      added(place, reasoning("in_progress", [])),
      { type: "response.content_part.added", ...at, part: part() },
    ],
    write: (delta) => {
      text += delta;
      return [{ type: "response.reasoning_text.delta", ...at, delta }];
    },
    end: (status) => [
      { type: "response.reasoning_text.done", ...at, text },
      { type: "response.content_part.done", ...at, part: part() },
      done(place, item(status)),
    ],
  };
}

type Called = NamespacedName & { readonly callId: string };

export function functionCallItem(place: Place, { callId, ...named }: Called): OutputItem {
  const at = { item_id: place.id, output_index: place.index };
  let args = "";
  const item = (status: ItemStatus): object => {
    const { id } = place;
    return { id, type: "function_call", status, arguments: args, call_id: callId, ...named };
  };
  return {
    item,
    begin: () => [added(place, item("in_progress"))],
    write: (delta) => {
      args += delta;
      return [{ type: "response.function_call_arguments.delta", ...at, delta }];
    },
    end: (status) => [
      { type: "response.function_call_arguments.done", ...at, arguments: args, name: named.name },
      done(place, item(status)),
    ],
  };
}

/** Its one text is read out of the arguments that the model writes. */
export function customCallItem(place: Place, { callId, ...named }: Called): OutputItem {
  const at = { item_id: place.id, output_index: place.index };
  const reader = new CustomInput();
  let input = "";
  const item = (): object => {
    return { id: place.id, type: "custom_tool_call", call_id: callId, ...named, input };
  };
  return {
    item,
    begin: () => [added(place, item())],
    write: (text) => {
      const delta = reader.push(text);
      input += delta;
      if (delta === "") return [];
      return [{ type: "response.custom_tool_call_input.delta", ...at, delta }];
    },
    end: () => [
      { type: "response.custom_tool_call_input.done", ...at, input },
      done(place, item()),
    ],
  };
}
