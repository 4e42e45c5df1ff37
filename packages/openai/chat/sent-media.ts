/** The images and sounds of a conversation, gathered in its order while its messages are read. */
import type { GenerateAsk } from "@localmodel/inference/asks.ts";
import type { ImageInput } from "@localmodel/inference/image-input.ts";
import type { Content, ContentPart } from "@localmodel/inference/picture.ts";
import type { SoundInput } from "@localmodel/inference/sound-input.ts";
import { notTooManySounds } from "./audio-parts.ts";
import { notTooMany } from "./image-parts.ts";
import type { MessageContent, PlacedPart } from "./messages.ts";

export class SentMedia {
  readonly #images: ImageInput[] = [];
  readonly #sounds: SoundInput[] = [];

  /** What the message says, its images and sounds as places in the lists. `field`: where the client wrote it. */
  contentOf(content: MessageContent, field: string): Content {
    if (typeof content === "string") return content;
    return content.map((part) =>
      typeof part === "string" ? { type: "text", text: part } : this.#place(part, field),
    );
  }

  /** Throws for the first of too many. */
  gathered(): Pick<GenerateAsk, "images" | "sounds"> {
    return {
      ...(this.#images.length > 0 && { images: notTooMany(this.#images) }),
      ...(this.#sounds.length > 0 && { sounds: notTooManySounds(this.#sounds) }),
    };
  }

  #place({ part, ...sent }: PlacedPart, content: string): ContentPart {
    const field = `${content}[${part}]`;
    return "bytes" in sent
      ? { type: "audio", sound: this.#sounds.push({ ...sent, field }) - 1 }
      : { type: "image", picture: this.#images.push({ ...sent, field }) - 1 };
  }
}
