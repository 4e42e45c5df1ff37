/**
 * Where a long text is cut into slices that are tokenised one after the other.
 *
 * Tokenising blocks the process, so there has to be a turn of the event loop in between. And many a
 * model's way to split text into words recurses for every character of a word: a word of a little more
 * than 20,000 characters overflows the stack and ends the process. So no slice is longer than two of
 * SLICE_CHARACTERS, whatever the text.
 */
export const SLICE_CHARACTERS = 8192;

/**
 * Places where every byte-level pre-tokeniser cuts anyway: before a space that a letter follows, before
 * the end of a line that ends in a letter or digit, and before the punctuation of scripts without spaces.
 */
const BOUNDARY = /(?<=\S)(?= \p{L})|(?<=[\p{L}\p{N}])(?=\n)|(?<=\p{L})(?=[、。，！？；：])/gu;

/** A space by itself between two words, none of which may be a control token: some take the space beside them along. */
const WORD_END = /(?<=[^\s>\]])(?= [^\s<[])/gu;

/** Where the slice that begins at `start` ends, if only a single space may follow; however far that is. */
export function wordEnd(text: string, start: number): number {
  WORD_END.lastIndex = Math.min(text.length, start + SLICE_CHARACTERS);
  return WORD_END.exec(text)?.index ?? text.length;
}

/** Longer than the text of any model's control token. */
const CONTROL_TOKEN_CHARACTERS = 64;

/** The end of the slice that begins at `start`; what lacks a boundary is cut nevertheless. */
export function sliceEnd(text: string, start: number): number {
  const earliest = start + SLICE_CHARACTERS;
  const latest = earliest + SLICE_CHARACTERS;
  if (text.length <= earliest) return text.length;
  const window = text.slice(start, latest + 1);
  BOUNDARY.lastIndex = SLICE_CHARACTERS;
  const boundary = BOUNDARY.exec(window)?.index;
  if (boundary !== undefined) return start + boundary;
  return text.length <= latest ? text.length : wholeCharacters(text, latest);
}

/** `end`, or a little before it where it is inside of a surrogate pair or of what may be a control token. */
function wholeCharacters(text: string, end: number): number {
  const nearby = text.slice(end - CONTROL_TOKEN_CHARACTERS, end);
  const opened = Math.max(nearby.lastIndexOf("<"), nearby.lastIndexOf("["));
  if (opened >= 0) return end - nearby.length + opened;
  return isLowSurrogate(text.charCodeAt(end)) ? end - 1 : end;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}
