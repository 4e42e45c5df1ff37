/**
 * Parts of a message that are no text: images in every spelling that clients have, and what is refused by its name.
 *
 * An image is taken as it comes, as bytes or as where it is. What is in it is looked at when the model is known, so one
 * that reads text alone refuses it whatever it is.
 */
import { z } from "zod";
import type { ImageInput, ImageSource } from "@localmodel/inference/image-input.ts";
import { tooManyImages } from "@localmodel/inference/refusals.ts";
import { nullsAbsent } from "../parsing/fields.ts";
import { refusal } from "../parsing/issue.ts";
import { fromBase64, isDataUrl, readDataUrl } from "./data-url.ts";

/** Of one image, as a file. */
const IMAGE_MAX_BYTES = 20 * 2 ** 20;
const URL_MAX_CHARACTERS = 8192;
/** What OpenAI makes of a picture that is to be looked at roughly: 512 by 512. */
const LOW_DETAIL_MAX_PIXELS = 512 * 512;

/** An image within a message. */
export type SentImage = { readonly source: ImageSource; readonly maxPixels?: number };

const DetailName = z.enum(["auto", "low", "high", "original"]);
type Detail = z.output<typeof DetailName>;
const Detail = DetailName.exactOptional();

/** From `data:` or `https:`; what else there is, is refused at the place where it was written. */
export const ImageUrl = z.string().transform((written, context): ImageSource => {
  const url = written.trim();
  if (!isDataUrl(url)) return webAddress(url, context);
  const read = readDataUrl(url);
  if (read.type === "wrong") return refuse(read.message, "invalid_base64_image", context);
  return imageFile(read.bytes, context);
});

function webAddress(url: string, context: z.core.$RefinementCtx): ImageSource {
  if (/^https?:\/\//i.test(url) && url.length <= URL_MAX_CHARACTERS) return { type: "url", url };
  const message = "expected a data URL such as data:image/png;base64,…, or an https URL";
  return refuse(message, "invalid_image_url", context);
}

function imageFile(bytes: Uint8Array, context: z.core.$RefinementCtx): ImageSource {
  if (bytes.length <= IMAGE_MAX_BYTES) return { type: "file", bytes };
  const message = `it has ${bytes.length} bytes, and an image may have ${IMAGE_MAX_BYTES}`;
  return refuse(message, "image_too_large", context);
}

function refuse(message: string, code: string, context: z.core.$RefinementCtx): never {
  context.addIssue(refusal(`Invalid image in '{param}': ${message}.`, code));
  return z.NEVER;
}

/** As an object or, as some clients have it, the URL itself. */
const ImageReference = z.union([
  ImageUrl.transform((source): SentImage => ({ source })),
  nullsAbsent(z.object({ url: ImageUrl, detail: Detail })).transform(({ url, detail }) =>
    sent(url, detail),
  ),
]);

function sent(source: ImageSource, detail: Detail | undefined): SentImage {
  return detail === "low" ? { source, maxPixels: LOW_DETAIL_MAX_PIXELS } : { source };
}

type Referring = { readonly detail?: Detail; readonly image: SentImage };

/** `detail` beside the image, as newer clients have it, or within it. */
function withDetail({ image, detail }: Referring): SentImage {
  return detail === undefined ? image : sent(image.source, detail);
}

/** Where a part says that what it holds is elsewhere: before what it should hold, which is missing then. */
const elsewhere = {
  file_id: notHere(
    "this server keeps no files. Send what is in it: an image as a data URL such as data:image/png;base64,…, other files as text",
  ),
  file_url: notHere(
    "files are not fetched. Send what is in it: an image as a data URL such as data:image/png;base64,…, other files as text",
  ),
} as const;

function notHere(why: string) {
  return z
    .unknown()
    .optional()
    .refine(
      (given) => given === undefined,
      refusal(`Invalid '{param}': ${why}.`, "unsupported_file"),
    );
}

export const ImageUrlPart = z
  .object({
    type: z.enum(["image_url", "input_image"]),
    file_id: elsewhere.file_id,
    image_url: ImageReference,
    detail: Detail,
  })
  .transform(({ image_url: image, detail }) => withDetail({ image, ...(detail && { detail }) }));

export const ImagePart = z
  .object({ type: z.literal("image"), image: ImageReference, detail: Detail })
  .transform(({ image, detail }) => withDetail({ image, ...(detail && { detail }) }));

/**
 * A file may be an image; of others nobody here knows what is in them. Its base64 may come without a data URL's head, as
 * OpenAI describes it.
 */
const FileData = z
  .string()
  .optional()
  .transform((written = "", context): SentImage => {
    const data = written.trim();
    const read = isDataUrl(data) ? readDataUrl(data) : bareBase64(data);
    if (read === undefined || (read.type === "file" && !isImage(read))) {
      const what = read?.type === "file" ? ` (${read.mediaType.slice(0, 64) || "of no type"})` : "";
      const message = `Invalid '{param}': of files only images are read, as a data URL such as data:image/png;base64,…, and this is none${what}. Send what it says as text.`;
      context.addIssue(refusal(message, "unsupported_file"));
      return z.NEVER;
    }
    if (read.type === "wrong") return refuse(read.message, "invalid_base64_image", context);
    return { source: imageFile(read.bytes, context) };
  });

type File = { readonly type: "file"; readonly bytes: Uint8Array; readonly mediaType: string };

function bareBase64(data: string): File | undefined {
  const bytes = fromBase64(data);
  return bytes && { type: "file", bytes, mediaType: "" };
}

/** As it says, or, where it says nothing that helps, as it begins: PNG, JPEG, GIF, WebP, BMP. */
function isImage({ bytes, mediaType }: File): boolean {
  if (mediaType.startsWith("image/")) return true;
  if (mediaType !== "" && mediaType !== "application/octet-stream") return false;
  const beginning = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  return /^(?:\x89PNG|\xff\xd8\xff|GIF8|RIFF[^]{4}WEBP|BM)/.test(beginning);
}

export const FilePart = z
  .object({
    type: z.literal("file"),
    file: nullsAbsent(z.object({ ...elsewhere, file_data: FileData })),
  })
  .transform(({ file }) => file.file_data);
export const InputFilePart = z
  .object({ type: z.literal("input_file"), ...elsewhere, file_data: FileData })
  .transform(({ file_data: image }) => image);

/** Parts that no model here takes, by the names that APIs have for them. */
const MEDIA = {
  audio: "audio",
  audio_url: "audio",
  input_video: "a video",
  video: "a video",
  video_url: "a video",
} as const;

/** Who meets it looks for the word for what was sent. */
export function refuseMedia(what: string, context: z.core.$RefinementCtx): void {
  const message = `Invalid '{param}': it holds ${what}, and no model of this server takes ${what}: text and, where a model has a projector, images and audio parts of the type 'input_audio'.`;
  context.addIssue(refusal(message, "model_not_multimodal"));
}

export const MediaPart = z
  .object({ type: z.enum(Object.keys(MEDIA) as (keyof typeof MEDIA)[]) })
  .superRefine(({ type }, context) => refuseMedia(MEDIA[type], context))
  .transform((): string => "");

/** Of one conversation; a client sends all of it with every turn. */
const IMAGES_MAX = 64;

export function notTooMany(images: readonly ImageInput[]): readonly ImageInput[] {
  const surplus = images[IMAGES_MAX];
  if (surplus === undefined) return images;
  throw tooManyImages(surplus.field, images.length, IMAGES_MAX);
}
