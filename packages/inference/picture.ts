/** Pictures and sounds of a conversation, as a wire hands them to the engine: decoded, and known by what is in them. */

/** A picture after it was decoded: rows from the top, three bytes a pixel (red, green, blue). */
export type Picture = {
  readonly width: number;
  readonly height: number;
  /** `width * height * 3` bytes. */
  readonly rgb: Uint8Array;
  /** SHA-256 of size and pixels, hex: what a cached prefix knows it by. */
  readonly sha256: string;
  /** Where the client wrote it, for failures: `messages[1].content[0]`. */
  readonly field: string;
};

/** A sound after it was decoded: one channel, between -1 and 1. */
export type Sound = {
  readonly samples: Float32Array;
  /** In a second: as many as the model's projector hears. */
  readonly sampleRate: number;
  /** SHA-256 of rate and samples, hex. */
  readonly sha256: string;
  readonly field: string;
};

/** What a projector makes rows of. */
export type Medium = Picture | Sound;

export function isSound(medium: Medium): medium is Sound {
  return "samples" in medium;
}

export type ContentPart =
  | { readonly type: "text"; readonly text: string }
  /** Index into the prompt's pictures. */
  | { readonly type: "image"; readonly picture: number }
  /** Index into the prompt's sounds. */
  | { readonly type: "audio"; readonly sound: number };

/** What a message says: text, or parts where a picture or a sound is among them. */
export type Content = string | readonly ContentPart[];

/** What a message says in words. */
export function textOf(content: Content): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** One behind the other. Texts stay a text; of parts those of neighbouring texts become one. */
export function concatenated(contents: readonly Content[]): Content {
  // Not join: V8 copies what is added to a text only when it is read, so thousands of messages are no thousand copies.
  if (areTexts(contents)) return contents.reduce((text, content) => text + content, "");
  const parts: ContentPart[] = [];
  for (const part of contents.flatMap(partsOf)) {
    const last = parts.at(-1);
    if (part.type === "text" && last?.type === "text") {
      parts[parts.length - 1] = { type: "text", text: last.text + part.text };
    } else {
      parts.push(part);
    }
  }
  return parts;
}

function areTexts(contents: readonly Content[]): contents is readonly string[] {
  return contents.every((content) => typeof content === "string");
}

function partsOf(content: Content): readonly ContentPart[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}
