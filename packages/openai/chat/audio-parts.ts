/**
 * Audio in a message, as OpenAI's clients send it: base64 of a WAV or MP3 file.
 *
 * It is taken as it comes. What is in it is listened to when the model is known, so one that does not hear refuses it
 * whatever it is.
 */
import { z } from "zod";
import type { SoundInput } from "@localmodel/inference/sound-input.ts";
import { tooManySounds } from "@localmodel/inference/refusals.ts";
import { nullsAbsent } from "../parsing/fields.ts";
import { refusal } from "../parsing/issue.ts";
import { fromBase64, isDataUrl, readDataUrl } from "./data-url.ts";

/** Of one file. */
const AUDIO_MAX_BYTES = 20 * 2 ** 20;

/** A sound within a message. */
export type SentSound = { readonly bytes: Uint8Array };

/** As OpenAI has it, without a head; some clients put the one of a data URL before it. */
const AudioData = z.string().transform((data, context): Uint8Array => {
  const bytes = isDataUrl(data) ? fromDataUrl(data) : fromBase64(data);
  if (bytes === undefined) return refuse("its data is not valid base64", "invalid_base64", context);
  if (bytes.length <= AUDIO_MAX_BYTES) return bytes;
  const message = `it has ${bytes.length} bytes, and an audio file may have ${AUDIO_MAX_BYTES}`;
  return refuse(message, "audio_too_large", context);
});

function fromDataUrl(url: string): Uint8Array | undefined {
  const read = readDataUrl(url);
  return read.type === "file" ? read.bytes : undefined;
}

function refuse(message: string, code: string, context: z.core.$RefinementCtx): never {
  context.addIssue(refusal(`Invalid audio in '{param}': ${message}.`, code));
  return z.NEVER;
}

/** Which of the formats it is, its bytes say. */
const InputAudio = z.object({ data: AudioData, format: z.enum(["wav", "mp3"]) });

export const InputAudioPart = z
  .object({ type: z.literal("input_audio"), input_audio: nullsAbsent(InputAudio) })
  .transform(({ input_audio: audio }): SentSound => ({ bytes: audio.data }));

/** Of one conversation; a client sends all of it with every turn. */
const SOUNDS_MAX = 64;

export function notTooManySounds(sounds: readonly SoundInput[]): readonly SoundInput[] {
  const surplus = sounds[SOUNDS_MAX];
  if (surplus === undefined) return sounds;
  throw tooManySounds(surplus.field, sounds.length, SOUNDS_MAX);
}
