/** What a template has written so far. */
import type { Meter } from "../meter.ts";

export class Output {
  readonly #meter: Meter;
  #text = "";

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  write(text: string): void {
    this.#meter.characters(this.#text.length + text.length);
    this.#text += text;
  }

  get text(): string {
    return this.#text;
  }
}
