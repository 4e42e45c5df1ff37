/**
 * A small WordPiece vocabulary in llama.cpp's spelling: a piece that starts a word begins with "▁",
 * a piece that continues one does not.
 *
 * Every ASCII letter and digit is there in both forms, so no lower-case English word is unknown.
 */
const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789".split("");
const PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".split("");
const WORDS = `the a an and or not of to in on is are was it this that with for from by as at be
 we you he she they one two three time day year water fire river city country capital house cat dog
 king queen man woman child model token vector search hello world`.split(/\s+/);
const ENDINGS = ["s", "ed", "ing", "er", "ly", "tion", "ness", "al", "en", "th"];

export function wordPieceVocabulary(): {
  readonly special: readonly string[];
  readonly pieces: readonly string[];
} {
  const starts = [...CHARACTERS, ...PUNCTUATION, ...WORDS].map((piece) => `▁${piece}`);
  return { special: SPECIAL, pieces: [...new Set([...starts, ...CHARACTERS, ...ENDINGS])] };
}
