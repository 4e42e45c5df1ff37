/**
 * What people see: lines that stay, and on a terminal one line below them that shows what is going on.
 *
 * Several models may download at the same time, but there is only one bottom line; the first to report
 * has it until it is done.
 */
import {
  type ProgressReporter,
  progressReporter,
} from "@localmodel/weights/progress/progress-reporter.ts";

type Terminal = {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
};

const CLEAR_LINE = "\r\u001b[K";

export class Screen {
  readonly #terminal: Terminal;
  /** The latest redrawing of each bar that is not done, by who draws it. */
  readonly #bars = new Map<object, string>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get isTerminal(): boolean {
    return this.#terminal.isTTY === true;
  }

  print(text: string): void {
    if (this.#bars.size === 0) this.#terminal.write(`${text}\n`);
    else {
      this.#terminal.write(`${CLEAR_LINE}${text}\n`);
      this.#redraw();
    }
  }

  /** A progress bar on a terminal, one line per tenth elsewhere. */
  progress(label: string): ProgressReporter {
    if (!this.isTerminal) return progressReporter(this.#terminal, { label });
    const owner = {};
    return progressReporter(
      { write: (text) => this.#draw(owner, text) },
      { isTTY: true, columns: this.#terminal.columns ?? 80, label },
    );
  }

  /** A bar writes its whole line each time, and ends it when it is complete or given up. */
  #draw(owner: object, text: string): void {
    const first = this.#bars.keys().next().value ?? owner;
    if (text.endsWith("\n")) {
      if (first === owner) this.#terminal.write(text);
      this.#bars.delete(owner);
      this.#redraw();
      return;
    }
    this.#bars.set(owner, text);
    if (first === owner) this.#terminal.write(text);
  }

  #redraw(): void {
    const [bar] = this.#bars.values();
    if (bar !== undefined) this.#terminal.write(bar);
  }
}
