/** What a reader of an answer finds in it, in order: text, and calls with their arguments as they come. */
export type ToolEvent =
  | { readonly type: "text"; readonly text: string }
  /** `index` counts the calls of an answer. */
  | { readonly type: "call"; readonly index: number; readonly name: string }
  /** The next piece of the JSON text of the call's arguments. */
  | { readonly type: "arguments"; readonly index: number; readonly text: string }
  /** The call is complete. */
  | { readonly type: "end"; readonly index: number };

/** Collects events; neighbours that say the same thing become one. */
export class ToolEvents {
  #events: ToolEvent[] = [];
  #calls = 0;

  /** Calls begun so far. */
  get calls(): number {
    return this.#calls;
  }

  text(text: string): void {
    if (text === "") return;
    const last = this.#events.at(-1);
    if (last?.type !== "text") this.#events.push({ type: "text", text });
    else this.#events.splice(-1, 1, { type: "text", text: last.text + text });
  }

  call(name: string): void {
    this.#events.push({ type: "call", index: this.#calls, name });
    this.#calls += 1;
  }

  /** Of the last call. */
  arguments(text: string): void {
    if (text === "") return;
    const index = this.#calls - 1;
    const last = this.#events.at(-1);
    if (last?.type !== "arguments") this.#events.push({ type: "arguments", index, text });
    else this.#events.splice(-1, 1, { type: "arguments", index, text: last.text + text });
  }

  end(): void {
    this.#events.push({ type: "end", index: this.#calls - 1 });
  }

  take(): ToolEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
