/**
 * Keeps an answer while it passes by: the body of one that comes whole, of a stream the event that holds the whole.
 *
 * It is kept before its last bytes go to the client, who may go on with it at once. What is too large to keep is
 * forgotten, and nothing of it held back.
 */

/** Takes pieces of an answer, each before it is passed on. Until a promise is resolved, it is not to be. */
export type AnswerKeeper = {
  data(chunk: Buffer): Promise<void> | undefined;
  /** Before the end is passed on. */
  end(): Promise<void> | undefined;
};

type Options = {
  readonly maxBytes: number;
  /** Takes the JSON of the whole answer, or of the event that holds it. */
  readonly keep: (json: Buffer) => Promise<void> | undefined;
};

export function wholeAnswerKeeper({ maxBytes, keep }: Options): AnswerKeeper {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    data: (chunk) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else chunks.length = 0;
      return undefined;
    },
    end: () => (bytes <= maxBytes ? keep(Buffer.concat(chunks)) : undefined),
  };
}

const EVENT_END = "\n\n";
const DATA = "\ndata: ";

export function streamKeeper(lastEvents: readonly string[], options: Options): AnswerKeeper {
  // JSON has no raw line breaks, so this is nowhere but at the beginning of an event.
  const marks = lastEvents.map((name) => Buffer.from(`event: ${name}\n`));
  const longest = Math.max(...marks.map(({ length }) => length));
  let tail: Buffer = Buffer.alloc(0);
  let isFound = false;
  let isOver = false;
  return {
    data: (chunk) => {
      if (isOver) return undefined;
      tail = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
      if (!isFound) {
        const at = firstOf(tail, marks);
        isFound = at !== -1;
        tail = isFound ? tail.subarray(at) : tail.subarray(Math.max(0, tail.length - longest));
      }
      if (!isFound) return undefined;
      const event = tail;
      const end = event.indexOf(EVENT_END);
      isOver = end !== -1 || event.length > options.maxBytes;
      if (isOver) tail = Buffer.alloc(0);
      if (end === -1 || end > options.maxBytes) return undefined;
      return options.keep(event.subarray(event.indexOf(DATA) + DATA.length, end));
    },
    end: () => undefined,
  };
}

function firstOf(bytes: Buffer, marks: readonly Buffer[]): number {
  const found = marks.map((mark) => bytes.indexOf(mark)).filter((at) => at !== -1);
  return found.length === 0 ? -1 : Math.min(...found);
}
