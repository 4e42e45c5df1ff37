/**
 * Trains a byte-level BPE vocabulary, the kind llama.cpp calls "gpt2", on a small built-in text.
 *
 * Every byte is a token, so any input can be tokenised; merges make frequent words one token and
 * leave rare characters as several, which is what makes UTF-8 assembly worth testing. Training is
 * deterministic: ties go to the pair that sorts first.
 */

/** How GPT-2 splits text before merging; merges never cross these borders. */
const WORDS = /'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

const TRAINING_TEXT = `
A small model reads a few lines and learns which letters stand together. The river runs past the old
mill, and the miller counts the sacks before the rain. When the water is high the wheel turns by itself;
when the water is low he waits, writes a letter to his sister, and asks what the price of flour is in the
town. She answers that the price is the same as it was in the spring, that her children are well, and
that the bridge will be closed until the end of the month. He thinks about this for a while. Then he
takes the long road over the hill, because the short one is under water, and he is not in a hurry.
What is the capital of the country? The capital is the city where the government meets. Why does it rain?
Because warm air rises, cools, and lets go of the water it carries. How many days are there in a year?
There are three hundred and sixty-five, and one more every fourth year. Please write one sentence about
the weather. You are a helpful assistant. I am glad to help you with that. Here is the answer you asked for.
Tell me a story. Once upon a time there was a clock that was always one minute late, and nobody knew why.
The café in Zürich serves crêpes; the naïve façade hides a garden. Ünlü, señor, æon, œuvre, smørrebrød.
Быстрый поезд идёт в город. Γειά σου κόσμε. 東京は今日も雨です。你好，世界。안녕하세요 세계. 🙂🙂🚀🌍👩‍🔬
const total = items.reduce((sum, item) => sum + item.price, 0);
function add(left, right) { return left + right; }
{"name": "value", "list": [1, 2, 3, 10, 100, 2024], "nested": {"true": true, "null": null}}
- first point
- second point
1. one 2. two 3. three 4. four 5. five 6. six 7. seven 8. eight 9. nine 10. ten
`;

type BytePairVocabulary = {
  /** In llama.cpp's spelling: every byte is one printable character. */
  readonly tokens: readonly string[];
  /** "left right", most important first. */
  readonly merges: readonly string[];
};

export function trainBytePairs(mergeCount: number): BytePairVocabulary {
  const spelling = byteSpelling();
  let words = countWords(TRAINING_TEXT, spelling);
  const merges: string[] = [];
  const tokens = [...spelling];
  while (merges.length < mergeCount) {
    const pair = mostFrequentPair(words);
    if (pair === undefined) break;
    merges.push(pair);
    tokens.push(pair.replace(" ", ""));
    words = words.map(({ pieces, count }) => ({ pieces: merge(pieces, pair), count }));
  }
  return { tokens, merges };
}

type Word = { readonly pieces: readonly string[]; readonly count: number };

function countWords(text: string, spelling: readonly string[]): readonly Word[] {
  const counts = new Map<string, number>();
  for (const [word] of text.matchAll(WORDS)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => ({
    pieces: spelledBytes(word, spelling),
    count,
  }));
}

/** As a vocabulary has it. */
export function spellBytes(text: string): string {
  return spelledBytes(text, byteSpelling()).join("");
}

function spelledBytes(text: string, spelling: readonly string[]): readonly string[] {
  return [...Buffer.from(text, "utf8")].map((byte) => spelling[byte] ?? "");
}

function mostFrequentPair(words: readonly Word[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { pieces, count } of words) {
    for (const [index, right] of pieces.slice(1).entries()) {
      const pair = `${pieces[index]} ${right}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | undefined;
  let bestCount = 1; // a pair seen once teaches nothing
  for (const [pair, count] of counts) {
    if (count > bestCount || (count === bestCount && best !== undefined && pair < best)) {
      best = pair;
      bestCount = count;
    }
  }
  return best;
}

function merge(pieces: readonly string[], pair: string): readonly string[] {
  const merged: string[] = [];
  for (const piece of pieces) {
    const previous = merged.at(-1);
    if (previous !== undefined && `${previous} ${piece}` === pair) {
      merged[merged.length - 1] = previous + piece;
    } else {
      merged.push(piece);
    }
  }
  return merged;
}

/** GPT-2's table: printable Latin-1 bytes stand for themselves, the others for U+0100 onwards. */
function byteSpelling(): readonly string[] {
  let substitute = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
    return String.fromCodePoint(printable ? byte : substitute++);
  });
}
