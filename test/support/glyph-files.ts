/** Pictures of words as files, for clients that send them. */
import sharp, { type Sharp } from "sharp";
import { pictureOfText } from "./glyphs.ts";

export function fileOf(word: string): Sharp {
  const { width, height, rgb } = pictureOfText([word]);
  return sharp(rgb, { raw: { width, height, channels: 3 } });
}

export function pngOf(word: string): Promise<Buffer> {
  return fileOf(word).png().toBuffer();
}
