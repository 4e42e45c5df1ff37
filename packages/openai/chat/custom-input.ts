/** The text that a custom tool is called with, out of the JSON that the model wrote for it: `{"input": "…"}`, in pieces. */
const OPENING = /^\s*\{\s*"input"\s*:\s*"/;
/** Characters and whole escapes; half of a pair of surrogates is no whole one. */
const WHOLE =
  /^(?:[^"\\]|\\u(?!d[89ab])[\da-f]{4}|\\ud[89ab][\da-f]{2}(?=\\[^u]|\\u[\da-f]{4}|[^\\])|\\[^u])*/i;

export class CustomInput {
  #pending = "";
  #isOpen = false;

  /** What is known now of the text and was not before. */
  push(json: string): string {
    this.#pending += json;
    if (!this.#isOpen) {
      const opening = OPENING.exec(this.#pending);
      if (opening === null) return "";
      this.#isOpen = true;
      this.#pending = this.#pending.slice(opening[0].length);
    }
    const [whole = ""] = WHOLE.exec(this.#pending) ?? [];
    const known = /\\ud[89ab][\da-f]{2}$/i.test(whole) ? whole.slice(0, -6) : whole;
    this.#pending = this.#pending.slice(known.length);
    return JSON.parse(`"${known}"`) as string;
  }
}
