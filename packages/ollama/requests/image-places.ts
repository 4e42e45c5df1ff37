/**
 * Where Ollama's clients have written their images: in a list beside the text. They are understood as parts of a message, as
 * OpenAI's form has them, so whatever is said of one is said of its place in that list.
 */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import { Failure, PROMPT_FIELD } from "@localmodel/inference/failure.ts";
import type { Understood } from "@localmodel/inference/wire.ts";

const PART = /^(?:\{prompt\}|messages)\[(\d+)\]\.content\[(\d+)\](?:\.image_url(?:\.url)?)?$/;

type PlaceOf = (message: number, image: number) => string;

/** In a chat each message has a list of its own. */
export const inMessage: PlaceOf = (message, image) =>
  `${PROMPT_FIELD}[${message}].images[${image}]`;
export const inRequest: PlaceOf = (_, image) => `images[${image}]`;

/** What `understand` returns, or throws, with images where they were written. They come first in a message's parts. */
export function withImagePlaces(
  understand: () => Understood<"generate">,
  placeOf: PlaceOf,
): Understood<"generate"> {
  const renamed = (field: string): string => {
    const [, message, part] = PART.exec(field) ?? [];
    return part === undefined ? field : placeOf(Number(message), Number(part));
  };
  try {
    const { ask, ...understood } = understand();
    return { ...understood, ask: { ...ask, ...placedImages(ask, renamed) } };
  } catch (error) {
    throw error instanceof Failure ? blamed(error, renamed) : error;
  }
}

function placedImages(
  { images }: GenerateAsk,
  renamed: (field: string) => string,
): Pick<GenerateAsk, "images"> {
  if (images === undefined) return {};
  return { images: images.map((image) => ({ ...image, field: renamed(image.field) })) };
}

function blamed({ data }: Failure, renamed: (field: string) => string): Failure {
  if (data.field === null) return new Failure(data);
  const field = renamed(data.field);
  return new Failure({ ...data, field, message: data.message.replaceAll(data.field, field) });
}
