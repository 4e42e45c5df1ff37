/**
 * Reads an answer that comes in pieces: what is text, and what are calls of tools.
 *
 * Whatever is no call after all is text, to the letter. White space around calls is neither.
 */
import type { Tool } from "@localmodel/inference/tools.ts";
import { type CallSyntax, markersOf } from "../syntax/call-syntax.ts";
import { type ParameterKinds, parameterKinds } from "../syntax/parameter-kinds.ts";
import { type Calling, readCalls } from "./calls.ts";
import { Input, type Reading } from "./input.ts";
import { type Recover, mayBeBareCall } from "./bare-call.ts";
import { type ToolEvent, ToolEvents } from "./tool-event.ts";

export type AnswerReader = {
  push(text: string): readonly ToolEvent[];
  /** The rest, when nothing follows. */
  finish(): readonly ToolEvent[];
};

type ReaderOptions = {
  readonly syntax: CallSyntax;
  readonly tools: readonly Tool[];
  /** Makes a call of an answer that is nothing but one without its markers. Absent: that is text. */
  readonly recover?: Recover | undefined;
  /** Nothing else can come: what is cut off before a tool is named is no text either. Default false. */
  readonly onlyCalls?: boolean;
};

export function answerReader({
  syntax,
  tools,
  recover,
  onlyCalls = false,
}: ReaderOptions): AnswerReader {
  const input = new Input();
  const events = new ToolEvents();
  const kinds = new Map<string, ParameterKinds>();
  for (const { name, parameters } of tools) {
    const { form } = syntax;
    const ofTool = form.kind === "tagged" ? parameterKinds(parameters, form) : undefined;
    if (ofTool !== undefined) kinds.set(name, ofTool);
  }
  const names = new Set(tools.map(({ name }) => name));
  const markers = markersOf(syntax, [...names]);
  const reading = readAnswer({ syntax, kinds, names, input, events, markers, recover });
  const go = () => {
    reading.next();
    const told = events.take();
    return onlyCalls ? told.filter(({ type }) => type !== "text") : told;
  };
  return {
    push: (text) => {
      input.add(text);
      return go();
    },
    finish: () => {
      input.end();
      return go();
    },
  };
}

type Answering = Calling & {
  readonly markers: readonly string[];
  readonly recover: Recover | undefined;
};

function* readAnswer(answering: Answering): Reading<void> {
  const { input, events, recover } = answering;
  if (recover !== undefined && (yield* readBareCall(recover, answering))) return;
  let space = "";
  for (;;) {
    const text = yield* textBeforeMarker(answering, space);
    if (input.ended && input.rest === "") {
      // After a call white space is nobody's.
      if (events.calls === 0 || text.trim() !== "") events.text(text);
      return;
    }
    space = "";
    if (yield* readCalls(answering)) {
      input.forget();
      continue;
    }
    // Another call was to follow, and its tool is not known yet.
    if (events.calls > 0 && input.endedInside) return;
    events.text(text);
    events.text(input.take(1));
    input.forget();
  }
}

/** Tells text until a marker begins, or the end. The white space before that is returned: it may be around a call. */
function* textBeforeMarker({ input, events, markers }: Answering, before: string): Reading<string> {
  let space = before;
  for (;;) {
    const { rest } = input;
    const at = firstOf(markers, rest);
    const known = at ?? rest.length - (input.ended ? 0 : heldLength(rest, markers));
    const text = space + input.take(known);
    const end = text.trimEnd().length;
    events.text(text.slice(0, end));
    space = text.slice(end);
    if (at !== undefined || input.ended) return space;
    input.forget();
    yield;
  }
}

function firstOf(markers: readonly string[], text: string): number | undefined {
  const found = markers.map((marker) => text.indexOf(marker)).filter((at) => at !== -1);
  return found.length === 0 ? undefined : Math.min(...found);
}

/** Of the end of `text`, how much may still become a marker. */
function heldLength(text: string, markers: readonly string[]): number {
  let held = 0;
  for (const marker of markers) {
    for (let length = Math.min(marker.length - 1, text.length); length > held; length--) {
      if (text.endsWith(marker.slice(0, length))) held = length;
    }
  }
  return held;
}

/** An answer that may be a bare call is held until that is known. */
function* readBareCall(recover: Recover, { input, events, markers }: Answering): Reading<boolean> {
  while (mayBeBareCall(input.rest, markers)) {
    if (input.ended) {
      const call = recover(input.rest);
      if (call === undefined) return false;
      events.call(call.name);
      events.arguments(call.arguments);
      events.end();
      return true;
    }
    yield;
  }
  return false;
}
