/**
 * A conversation that is too long, without its oldest messages: as many are left out as have to be, and no more.
 *
 * Instructions at its beginning stay, and so does its last message. What a tool answered does not stay without the call
 * before it.
 */
import { Failure } from "@localmodel/inference/failure.ts";
import type { ContentPart, Picture, Sound } from "@localmodel/inference/picture.ts";
import type { Prompt, TemplateMessage } from "@localmodel/inference/generate.ts";

type ChatPrompt = Extract<Prompt, { kind: "chat" }>;

const TOO_LONG = "context_length_exceeded";

/** What `encode` makes of the longest rest that it does not refuse for its length. Otherwise its refusal of all. */
export async function fitted<Encoded>(
  prompt: ChatPrompt,
  encode: (prompt: ChatPrompt) => Promise<Encoded>,
): Promise<Encoded> {
  const { messages } = prompt;
  const begins = beginsOf(messages);
  const instructions = messages.slice(0, begins[0]);
  let refusal: unknown;
  let encoded: Encoded | undefined;
  // Of each rest that fits, the shorter ones do, too.
  let [from, to] = [0, begins.length];
  for (let at = 0; from < to; at = Math.floor((from + to) / 2)) {
    const rest = [...instructions, ...messages.slice(begins[at])];
    try {
      encoded = await encode(saying(prompt, rest));
      to = at;
    } catch (thrown) {
      if (!(thrown instanceof Failure) || thrown.code !== TOO_LONG) throw thrown;
      refusal ??= thrown;
      from = at + 1;
    }
  }
  if (encoded === undefined) throw refusal;
  return encoded;
}

/** With which messages what is left may begin behind the instructions. */
function beginsOf(messages: readonly TemplateMessage[]): readonly number[] {
  const first = messages.findIndex(({ role }) => role !== "system");
  if (first === -1) return [messages.length];
  return [...messages.keys()].filter(
    (index) => index === first || (index > first && messages[index]?.role !== "tool"),
  );
}

/** The prompt with these of its messages, and no pictures and sounds but theirs. */
function saying(prompt: ChatPrompt, messages: readonly TemplateMessage[]): ChatPrompt {
  const { pictures, sounds } = prompt;
  const shown: Picture[] = [];
  const heard: Sound[] = [];
  const placed = (part: ContentPart): ContentPart => {
    const picture = part.type === "image" ? pictures?.[part.picture] : undefined;
    if (picture !== undefined) return { type: "image", picture: shown.push(picture) - 1 };
    const sound = part.type === "audio" ? sounds?.[part.sound] : undefined;
    return sound === undefined ? part : { type: "audio", sound: heard.push(sound) - 1 };
  };
  const renumbered = messages.map((message) => {
    const { content } = message;
    return typeof content === "string" ? message : { ...message, content: content.map(placed) };
  });
  return {
    ...prompt,
    messages: renumbered,
    ...(pictures !== undefined && { pictures: shown }),
    ...(sounds !== undefined && { sounds: heard }),
  };
}
