/** The last lines that somebody wrote, for who wants to know why it ended. */
const LINES_MAX = 50;
const LINE_MAX_CHARACTERS = 1000;

export class RecentLines {
  readonly #lines: string[] = [];
  #rest = "";

  get lines(): readonly string[] {
    return this.#rest === "" ? this.#lines : [...this.#lines, this.#rest];
  }

  /** A piece of text, of a line or of many. */
  write(piece: string): void {
    const parts = (this.#rest + piece).split("\n");
    this.#rest = (parts.pop() ?? "").slice(-LINE_MAX_CHARACTERS);
    for (const line of parts) this.#lines.push(line.slice(0, LINE_MAX_CHARACTERS));
    if (this.#lines.length > LINES_MAX) this.#lines.splice(0, this.#lines.length - LINES_MAX);
  }
}
