/**
 * Takes an answer apart, as it comes, into what the model thinks and what it says: by the tags of its reasoning, which
 * belong to neither, nor does white space around them.
 *
 * Whatever the pieces in which the text comes, the parts are the same.
 */

/** How a model writes what it thinks, and what it answers. */
export type ReasoningFormat = {
  readonly begin: string;
  readonly end: string;
  /** What stands before the answer itself, after the end or without any reasoning, and is no part of it. */
  readonly answerBegins: readonly string[];
  /** What ends a part of the answer; the next one begins like the first. */
  readonly answerEnd?: string;
  /** What each part begins with but the first, which the prompt has begun: the head of a message. */
  readonly partBegin?: string;
};

type SomeFormat = Pick<ReasoningFormat, "begin" | "end" | "answerBegins"> & {
  readonly answerEnd?: string | undefined;
  readonly partBegin?: string | undefined;
};

/** The format in what may say more. */
export function formatIn(some: SomeFormat): ReasoningFormat {
  const { begin, end, answerBegins, answerEnd, partBegin } = some;
  return {
    begin,
    end,
    answerBegins,
    ...(answerEnd !== undefined && { answerEnd }),
    ...(partBegin !== undefined && { partBegin }),
  };
}

/** All texts that say what is thought and what is said. */
export function marksOf(format: ReasoningFormat): readonly string[] {
  const { begin, end, answerBegins, answerEnd = "", partBegin = "" } = format;
  return [begin, end, answerEnd, partBegin, ...answerBegins];
}

/** How many characters from the front of what is not told yet are what. */
export type Told = { readonly kind: "reasoning" | "answer" | "neither"; readonly length: number };

type Place = "start" | "open" | "inside" | "behind" | "answer";

export class ReasoningText {
  readonly #format: ReasoningFormat;
  #place: Place;
  #rest = "";

  constructor(format: ReasoningFormat, startsInside: boolean) {
    this.#format = format;
    this.#place = startsInside ? "open" : "start";
  }

  /** Whether what comes next may be thought. */
  get isReasoning(): boolean {
    return this.#place === "open" || this.#place === "inside";
  }

  push(text: string): readonly Told[] {
    this.#rest += text;
    return this.#read(false);
  }

  /** The rest, when nothing follows. */
  finish(): readonly Told[] {
    return this.#read(true);
  }

  #read(isOver: boolean): readonly Told[] {
    const told: Told[] = [];
    for (;;) {
      const place = this.#place;
      const before = this.#rest.length;
      for (const one of this.#step(isOver)) {
        if (one.length === 0) continue;
        told.push(one);
        this.#rest = this.#rest.slice(one.length);
      }
      if (this.#place === place && this.#rest.length === before) return told;
    }
  }

  #step(isOver: boolean): readonly Told[] {
    if (this.#place === "inside") return this.#inside(isOver);
    if (this.#place === "answer") return this.#answer(isOver);
    return this.#beginning(isOver);
  }

  /** Before it is known whether the model thinks or answers. */
  #beginning(isOver: boolean): readonly Told[] {
    const { begin, answerBegins, partBegin = "" } = this.#format;
    const place = this.#place;
    const tag = begin.trim();
    const marks = place === "open" ? [tag] : [tag, ...answerBegins.map((one) => one.trim())];
    const head = this.#headLength(partBegin);
    const space = blankLength(this.#rest.slice(head));
    const text = this.#rest.slice(head + space);
    const mark = marks.find((one) => text.startsWith(one));
    if (mark !== undefined) {
      this.#place = mark === tag ? "inside" : this.#answerBegins();
      return [{ kind: "neither", length: head + space + mark.length }];
    }
    const mayCome = head === 0 ? [...marks, partBegin] : marks;
    if (!isOver && mayCome.some((one) => one.startsWith(text))) return [];
    if (isOver && text === "" && place !== "start") {
      return [{ kind: "neither", length: head + space }];
    }
    return [{ kind: "neither", length: this.#unmarked(head, space) }];
  }

  /** How much of what comes is nobody's where no mark does. */
  #unmarked(head: number, space: number): number {
    const place = this.#place;
    this.#place = place === "open" ? "inside" : "answer";
    // Behind a head that says nothing of reasoning is something else, a call, as it was written.
    return head > 0 || place === "start" ? head : space;
  }

  /** Of the head of a message, with the white space before it. */
  #headLength(partBegin: string): number {
    const space = blankLength(this.#rest);
    const isThere = partBegin !== "" && this.#rest.startsWith(partBegin, space);
    return isThere ? space + partBegin.length : 0;
  }

  #answerBegins(): Place {
    this.#isTagged = isEndTag(this.#format.answerEnd);
    return this.#isTagged ? "behind" : "answer";
  }

  #inside(isOver: boolean): readonly Told[] {
    const { end } = this.#format;
    const rest = this.#rest;
    const at = rest.indexOf(end);
    const known = at >= 0 ? at : rest.length - (isOver ? 0 : heldLength(rest, end));
    const thought = rest.slice(0, known);
    const leading = this.#begun ? 0 : thought.length - thought.trimStart().length;
    const length = thought.trimEnd().length;
    const told: Told[] = [{ kind: "neither", length: Math.min(leading, thought.length) }];
    if (length > leading) {
      this.#begun = true;
      told.push({ kind: "reasoning", length: length - leading });
    }
    if (at < 0 && !isOver) return told;
    const toldLength = Math.max(leading, length);
    told.push({
      kind: "neither",
      length: at < 0 ? rest.length - toldLength : at + end.length - toldLength,
    });
    if (at >= 0) {
      this.#place = "behind";
      this.#begun = false;
    }
    return told;
  }

  #begun = false;
  /** The answer stands between tags of words, and white space within them is not of it. */
  #isTagged = false;

  #answer(isOver: boolean): readonly Told[] {
    const { answerEnd } = this.#format;
    const rest = this.#rest;
    // An end tag without its beginning is text.
    if (answerEnd === undefined || (isEndTag(answerEnd) && !this.#isTagged))
      return [{ kind: "answer", length: rest.length }];
    const at = rest.indexOf(answerEnd);
    const known = at < 0 ? rest.length - (isOver ? 0 : heldLength(rest, answerEnd)) : at;
    const said = this.#isTagged ? rest.slice(0, known).trimEnd().length : known;
    if (at < 0) return [{ kind: "answer", length: isOver ? rest.length : said }];
    this.#place = "behind";
    this.#isTagged = false;
    return [
      { kind: "answer", length: said },
      { kind: "neither", length: at - said + answerEnd.length },
    ];
  }
}

function blankLength(text: string): number {
  return text.length - text.trimStart().length;
}

function isEndTag(text: string | undefined): boolean {
  return text?.startsWith("</") === true;
}

/** Of the end of `text`, how much may still become `tag`. */
function heldLength(text: string, tag: string): number {
  let length = Math.min(tag.length - 1, text.length);
  while (length > 0 && !text.endsWith(tag.slice(0, length))) length--;
  return length;
}
