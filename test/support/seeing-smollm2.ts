/**
 * SmolLM2 with a projector that sees, and pictures that it is asked about: what a picture shows it knows only from the
 * picture.
 *
 * It is a small model, so it is shown how to answer by three pictures before each question, as in few-shot prompts.
 */
import type { TemplateMessage } from "@localmodel/inference/generate.ts";
import type { Picture } from "@localmodel/inference/picture.ts";
import { readEmbeddingRows } from "./embedding-rows.ts";
import { type Colour, GLYPHS, GRID, pictureOfColour, pictureOfText } from "./glyphs.ts";
import { seededRandom } from "./seeded-random.ts";
import { writeSeeingProjector } from "./seeing-projector.ts";

/** Letters that follow a space, and the names of colours: what the model writes itself where it spells. */
export async function writeProjectorFor(weightsPath: string, projectorPath: string): Promise<void> {
  const { dimensions, row, tokenOf } = await readEmbeddingRows(weightsPath);
  await writeSeeingProjector(projectorPath, {
    dimensions,
    letters: (letter) => row(tokenOf(`\u0120${letter}`)),
    colours: (colour) => row(tokenOf(colour === "white" ? "\u010A" : `\u0120${colour}`)),
  });
}

export type Question = {
  readonly messages: readonly TemplateMessage[];
  readonly pictures: readonly Picture[];
  readonly answer: string;
};

const SHOWN_WORDS = ["TABLE", "GRQWE", "XYLOP"];
const SHOWN_COLOURS: readonly Colour[] = ["green", "black", "cyan"];
const ASKED_COLOURS: readonly Colour[] = ["red", "blue", "yellow", "purple"];
const SHORTEST = 3;

/** Words of random letters, which nobody has seen before, and now and then a colour. */
export function questions(seed: number, count: number): readonly Question[] {
  const random = seededRandom(seed);
  const any = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(random() * items.length)] as Item;
  return Array.from({ length: count }, () => {
    if (random() < 0.2) return ofColour(any(ASKED_COLOURS));
    const length = SHORTEST + Math.floor(random() * (GRID - SHORTEST + 1));
    return ofWord(Array.from({ length }, () => any(GLYPHS)).join(""));
  });
}

function ofWord(word: string): Question {
  const shown = SHOWN_WORDS.map((one) => ({ picture: pictureOfText([one]), says: spelled(one) }));
  return asked(shown, { picture: pictureOfText([word]), says: spelled(word) }, "Spell it.");
}

function spelled(word: string): string {
  return word.split("").join(" ");
}

function ofColour(colour: Colour): Question {
  const shown = SHOWN_COLOURS.map((one) => ({ picture: pictureOfColour(one), says: one }));
  return asked(shown, { picture: pictureOfColour(colour), says: colour }, "Which colour is it?");
}

type Shown = { readonly picture: Picture; readonly says: string };

function asked(shown: readonly Shown[], wanted: Shown, text: string): Question {
  const turn = (picture: number): TemplateMessage => ({
    role: "user",
    content: [
      { type: "image", picture },
      { type: "text", text },
    ],
  });
  return {
    messages: [
      ...shown.flatMap(({ says }, index) => [turn(index), { role: "assistant", content: says }]),
      turn(shown.length),
    ],
    pictures: [...shown, wanted].map(({ picture }) => picture),
    answer: wanted.says,
  };
}
