/** The parts that a message's content is made of, the same in chats and in the items of responses but for a text's names. */
import { z } from "zod";
import { nullsAbsent, Text } from "../parsing/fields.ts";
import { InputAudioPart } from "./audio-parts.ts";
import { FilePart, ImagePart, ImageUrlPart, InputFilePart, MediaPart } from "./image-parts.ts";

/** Of one message. */
export const PARTS_MAX = 4096;

const RefusalPart = z
  .object({ type: z.literal("refusal"), refusal: Text })
  .transform((part): string => part.refusal);

/** `textTypes`: what a text may be called. */
export function contentPart(textTypes: readonly [string, ...string[]]) {
  const TextPart = z
    .object({ type: z.literal([...textTypes]), text: Text })
    .transform(({ text }): string => text);
  return nullsAbsent(
    z.discriminatedUnion("type", [
      TextPart,
      RefusalPart,
      ImageUrlPart,
      ImagePart,
      FilePart,
      InputFilePart,
      InputAudioPart,
      MediaPart,
    ]),
  );
}
