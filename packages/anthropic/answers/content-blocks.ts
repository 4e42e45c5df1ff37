/**
 * The blocks of an answer as a stream tells them: each begins, grows and stops before the next one, whatever the engine
 * tells in between.
 *
 * White space alone makes no block: models write it between what they think and what they call.
 */
import type { Frame } from "@localmodel/inference/dialect.ts";
import type { GenerateEvent } from "@localmodel/inference/generate.ts";

type BlockEvent = Extract<GenerateEvent, { type: "delta" | "tool_call" | "tool_arguments" }>;

type ContentBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | {
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      readonly input: unknown;
    };

export type BlockDelta =
  | { readonly type: "text_delta"; readonly text: string }
  | { readonly type: "thinking_delta"; readonly thinking: string }
  | { readonly type: "signature_delta"; readonly signature: string }
  | { readonly type: "input_json_delta"; readonly partial_json: string };

export type BlockFrame =
  | {
      readonly type: "content_block_start";
      readonly index: number;
      readonly content_block: ContentBlock;
    }
  | { readonly type: "content_block_delta"; readonly index: number; readonly delta: BlockDelta }
  | { readonly type: "content_block_stop"; readonly index: number };

type NamedData = { readonly type: string; readonly [field: string]: unknown };

/** By its type, which is also the event's name. */
export function named(data: NamedData): Frame {
  return { event: data.type, data };
}

export class ContentBlocks {
  #open: ContentBlock["type"] | undefined;
  #index = 0;
  /** White space that may be the beginning of a block. */
  #held = "";

  push(event: BlockEvent): readonly BlockFrame[] {
    if (event.type === "tool_call") {
      const { id, name } = event;
      return this.#begin({ type: "tool_use", id, name, input: {} });
    }
    if (event.type === "tool_arguments") {
      return [this.#delta({ type: "input_json_delta", partial_json: event.text })];
    }
    return event.isReasoning === true ? this.#think(event.text) : this.#say(event.text);
  }

  /** The answer is over. What is nothing but white space is told where there is nothing else. */
  end(): readonly BlockFrame[] {
    const isSilent = this.#open === undefined && this.#index === 0 && this.#held !== "";
    return [...(isSilent ? this.#text(this.#held) : []), ...this.#stop()];
  }

  #think(text: string): readonly BlockFrame[] {
    const whole = this.#gathered("thinking", text);
    if (whole === "") return [];
    const begun = this.#begin({ type: "thinking", thinking: "", signature: "" });
    return [...begun, this.#delta({ type: "thinking_delta", thinking: whole })];
  }

  #say(text: string): readonly BlockFrame[] {
    const whole = this.#gathered("text", text);
    return whole === "" ? [] : this.#text(whole);
  }

  #text(text: string): readonly BlockFrame[] {
    const begun = this.#begin({ type: "text", text: "" });
    return [...begun, this.#delta({ type: "text_delta", text })];
  }

  /** What can be told of a block of this type now that this has come; nothing while it is white space alone. */
  #gathered(type: "text" | "thinking", text: string): string {
    if (this.#open === type) return text;
    this.#held += text;
    if (this.#held.trim() === "") return "";
    const whole = this.#held;
    this.#held = "";
    return whole;
  }

  #begin(block: ContentBlock): readonly BlockFrame[] {
    if (block.type !== "tool_use" && this.#open === block.type) return [];
    const stopped = this.#stop();
    this.#open = block.type;
    this.#held = "";
    return [...stopped, { type: "content_block_start", index: this.#index, content_block: block }];
  }

  /** Nobody here signs what a model thinks, but clients wait for the signature before they give it back. */
  #stop(): readonly BlockFrame[] {
    const open = this.#open;
    if (open === undefined) return [];
    const signed =
      open === "thinking" ? [this.#delta({ type: "signature_delta", signature: "" })] : [];
    const stopped: BlockFrame = { type: "content_block_stop", index: this.#index };
    this.#open = undefined;
    this.#index += 1;
    return [...signed, stopped];
  }

  #delta(delta: BlockDelta): BlockFrame {
    return { type: "content_block_delta", index: this.#index, delta };
  }
}
