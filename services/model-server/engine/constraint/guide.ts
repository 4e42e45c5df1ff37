/**
 * Follows one answer, and says which tokens may come next.
 *
 * Texts are kept as strings of bytes, because a token may end inside a character. What a control token is called counts
 * as its text, so a marker is found whether it is one token or many.
 */
import type { Constraint, Thoughts } from "@localmodel/inference/constraint.ts";
import type { ByteState } from "@localmodel/grammar/follow/byte-automaton.ts";
import { fieldIn } from "./compile.ts";
import { leaveMarked, type TokenRules } from "./token-rules.ts";

/** Where an answer is: everything is allowed, or the grammar says what is. */
type Place =
  | { readonly kind: "free" }
  /** For one of the markers, which may have begun in the text's last bytes. */
  | { readonly kind: "waiting"; readonly tail: string }
  /** No marker counts until it is over, or known that there is none: a text that may still become its end, or its beginning. */
  | { readonly kind: "thinking"; readonly isOpen: boolean; readonly tail: string }
  /** The answer may still begin with the text after which the grammar is waited for. */
  | { readonly kind: "opening"; readonly begun: string; readonly state: ByteState | undefined }
  | { readonly kind: "holding"; readonly state: ByteState };

type Marker = { readonly text: string; readonly isPartOfLanguage: boolean };

/** Before an opening. More would be a way to write blanks for ever. */
const BLANKS = /^[ \t\r\n]{0,8}/u;

export class Guide {
  /** The request's field that says what the answer must be. */
  readonly field: string | null;
  readonly #constraint: Constraint;
  readonly #rules: TokenRules;
  readonly #markers: readonly Marker[];
  readonly #opening: string;
  readonly #thoughts: Thoughts | undefined;
  readonly #banned: readonly string[];
  readonly #cutoffMarkers: readonly string[];
  /** How far back a text may begin that is looked for. */
  readonly #memory: number;
  #place: Place;
  /** The last bytes of the answer. */
  #tail = "";
  #cutoffIsOver: boolean;
  #tokens = 0;

  constructor(constraint: Constraint, rules: TokenRules) {
    const { banned = [], cutoff, grammar } = constraint;
    this.field = fieldIn(constraint);
    this.#constraint = constraint;
    this.#rules = rules;
    this.#markers = (grammar?.begins?.after ?? []).map(({ text, isPartOfLanguage = false }) => ({
      text: binary(text),
      isPartOfLanguage,
    }));
    this.#opening = binary(grammar?.begins?.opening ?? "");
    this.#thoughts = binaryThoughts(grammar?.begins?.thoughts);
    this.#banned = banned.map(binary).filter((text) => text !== "");
    this.#cutoffMarkers = (cutoff?.markers ?? []).map(binary);
    this.#cutoffIsOver = cutoff === undefined;
    const looked = [
      ...this.#banned,
      ...this.#cutoffMarkers,
      ...this.#markers.map(({ text }) => text),
    ];
    this.#memory = Math.max(0, ...looked.map((text) => text.length - 1));
    this.#place = this.#firstPlace();
  }

  /** Nothing can follow any more. */
  get isOver(): boolean {
    const place = this.#place;
    return place.kind === "holding" && place.state.complete && waitsForNothing(place.state);
  }

  /** Whether what has just been accepted is no place for stop strings. */
  get ignoresStops(): boolean {
    return this.#place.kind === "holding" && this.#constraint.grammar?.ignoresStops === true;
  }

  /** Whether the answer may end here. */
  get mayEnd(): boolean {
    const place = this.#place;
    if (place.kind === "holding") return place.state.complete;
    if (place.kind === "free") return true;
    if (place.kind === "opening") return place.state?.complete === true;
    return this.#constraint.grammar?.begins?.isRequired !== true;
  }

  /** @throws GrammarError when the grammar leaves too much open */
  allows(token: number): boolean {
    this.#rules.begin();
    const text = this.#rules.textOf(token);
    return !this.#completesBanned(text) && this.#after(token, text) !== undefined;
  }

  /** Takes away the tokens that may not follow. @throws GrammarError when the grammar leaves too much open */
  restrict(logits: Float32Array): void {
    const place = this.#place;
    const mask = place.kind === "holding" ? this.#rules.mask(place.state) : undefined;
    if (mask !== undefined) leaveMarked(logits, mask);
    if (mask !== undefined && this.#banned.length === 0) return;
    for (let token = 0; token < logits.length; token += 1) {
      if (logits[token] === Number.NEGATIVE_INFINITY) continue;
      const allowed =
        mask === undefined ? this.allows(token) : !this.#completesBanned(this.#rules.textOf(token));
      if (!allowed) logits[token] = Number.NEGATIVE_INFINITY;
    }
  }

  /** @throws Error for a token that is not allowed */
  accept(token: number): void {
    const text = this.#rules.textOf(token);
    const place = this.#after(token, text);
    if (place === undefined) throw new Error(`Token ${token} is not allowed here`);
    this.#place = place;
    const all = this.#tail + text;
    this.#cutoffIsOver ||= this.#cutoffMarkers.some((marker) => all.includes(marker));
    this.#tail = lastOf(all, this.#memory);
    this.#tokens += 1;
  }

  /** Tokens that have to be put here: what the request says, or the only text that may follow. */
  get due(): readonly number[] {
    const { cutoff, prefix } = this.#constraint;
    if (this.#tokens === 0 && prefix !== undefined) return this.#rules.tokensOf(prefix);
    if (!this.#cutoffIsOver && cutoff !== undefined && this.#tokens >= cutoff.tokens) {
      this.#cutoffIsOver = true;
      return this.#rules.tokensOf(cutoff.text);
    }
    return this.#place.kind === "holding" ? this.#rules.forced(this.#place.state) : [];
  }

  #firstPlace(): Place {
    const { grammar } = this.#constraint;
    if (grammar === undefined) return { kind: "free" };
    const { start } = this.#rules;
    if (grammar.begins === undefined) return { kind: "holding", state: start };
    if (this.#thoughts !== undefined) {
      return { kind: "thinking", isOpen: this.#thoughts.areOpen, tail: "" };
    }
    if (this.#opening === "") return { kind: "waiting", tail: "" };
    return { kind: "opening", begun: "", state: start };
  }

  #after(token: number, text: string): Place | undefined {
    const place = this.#place;
    switch (place.kind) {
      case "free":
        return place;
      case "waiting":
        return this.#afterMarker(place.tail + text);
      case "thinking":
        return this.#thought(place.tail + text, place.isOpen);
      case "holding":
        return this.#held(place.state, token, text);
      case "opening":
        return this.#opened(place, token, text);
    }
  }

  #held(from: ByteState, token: number, text: string): Place | undefined {
    const state = this.#rules.follow(from, token, text);
    return state === undefined ? undefined : { kind: "holding", state };
  }

  #opened(
    { begun, state }: Extract<Place, { kind: "opening" }>,
    token: number,
    text: string,
  ): Place | undefined {
    const all = (begun + text).replace(BLANKS, "");
    const next = state === undefined ? undefined : this.#rules.follow(state, token, text);
    if (all.startsWith(this.#opening)) return this.#afterMarker(all);
    if (this.#opening.startsWith(all)) return { kind: "opening", begun: begun + text, state: next };
    return next === undefined ? undefined : { kind: "holding", state: next };
  }

  /** Thoughts may follow each other; what follows them otherwise is the answer, which markers count in. */
  #thought(text: string, isOpen: boolean): Place | undefined {
    const { begins = [], end = "" } = this.#thoughts ?? {};
    if (isOpen) {
      const at = text.indexOf(end);
      if (at !== -1) return this.#thought(text.slice(at + end.length), false);
      return { kind: "thinking", isOpen, tail: lastOf(text, end.length - 1) };
    }
    const begun = text.trimStart();
    const begin = begins.find((one) => begun.startsWith(one));
    if (begin !== undefined) return this.#thought(begun.slice(begin.length), true);
    // A marker may begin with white space.
    if (begins.some((one) => one.startsWith(begun))) {
      return { kind: "thinking", isOpen, tail: lastOf(text, begun.length + this.#memory) };
    }
    return this.#afterMarker(text);
  }

  #afterMarker(text: string): Place | undefined {
    const found = firstOf(this.#markers, text);
    if (found === undefined) return { kind: "waiting", tail: lastOf(text, this.#memory) };
    const rest = text.slice(found.marker.isPartOfLanguage ? found.start : found.end);
    const state = this.#rules.followText(this.#rules.start, rest);
    return state === undefined ? undefined : { kind: "holding", state };
  }

  #completesBanned(text: string): boolean {
    if (this.#banned.length === 0) return false;
    const all = this.#tail + text;
    return this.#banned.some((banned) => all.includes(banned));
  }
}

function waitsForNothing({ state }: ByteState): boolean {
  return state.waiting.length === 0;
}

/** The marker that is complete first. */
function firstOf(markers: readonly Marker[], text: string) {
  let first: { marker: Marker; start: number; end: number } | undefined;
  for (const marker of markers) {
    const start = text.indexOf(marker.text);
    if (start === -1) continue;
    const end = start + marker.text.length;
    if (first === undefined || end < first.end) first = { marker, start, end };
  }
  return first;
}

function binaryThoughts(thoughts: Thoughts | undefined): Thoughts | undefined {
  if (thoughts === undefined) return undefined;
  return { ...thoughts, begins: thoughts.begins.map(binary), end: binary(thoughts.end) };
}

function lastOf(text: string, length: number): string {
  return length <= 0 ? "" : text.slice(-length);
}

function binary(text: string): string {
  return Buffer.from(text).toString("latin1");
}
