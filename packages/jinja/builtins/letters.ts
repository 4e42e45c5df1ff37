/** Upper and lower case by words, and what a text consists of. */

export function titled(text: string): string {
  return text.replaceAll(
    WORDS,
    ([first = "", ...rest]) => first.toUpperCase() + rest.join("").toLowerCase(),
  );
}

const WORDS = /\p{Cased}+/gu;

export function swappedCase(text: string): string {
  return text.replaceAll(/./gsu, (letter) =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  );
}

export function isOnly(text: string, characters: RegExp): boolean {
  return text !== "" && Array.from(text).every((character) => characters.test(character));
}
