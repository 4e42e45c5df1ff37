/**
 * Pictures and sounds in tools' results, where a template leaves them out or refuses them: the user shows them. An agent
 * cannot put them anywhere else, and they stay in its history.
 *
 * They come right behind the results; where a template takes no message of the user there, at the end of what he said before
 * them. In their own place stands where to look.
 */
import { Failure } from "@localmodel/inference/failure.ts";
import type { TemplateMessage } from "@localmodel/inference/generate.ts";
import { concatenated, type ContentPart } from "@localmodel/inference/picture.ts";
import type { Segment } from "./marks.ts";

type Medium = Exclude<ContentPart, { type: "text" }>;
type Conversation = { readonly messages: readonly TemplateMessage[] };

const TOO_LONG = "context_length_exceeded";

/** What `render` makes of the conversation in the first way in which everything that tools show is in it. */
export function showingResults<Prompt extends Conversation>(
  prompt: Prompt,
  render: (prompt: Prompt) => Segment[],
): Segment[] {
  const { messages } = prompt;
  const media = mediaOfTools(messages);
  if (media.length === 0) return render(prompt);
  const asTheyCame = attempted(() => render(prompt));
  const segments = asTheyCame instanceof Failure ? [] : asTheyCame;
  const left = new Set(media.filter((one) => !isIn(segments, one)));
  if (left.size === 0) return segments;
  for (const arrange of [shownBelow, shownAbove]) {
    const arranged = attempted(() => render({ ...prompt, messages: arrange(messages, left) }));
    if (arranged instanceof Failure) continue;
    if (media.every((one) => isIn(arranged, one))) return arranged;
  }
  // What is wrong with the messages as they came is what their author can do something about.
  if (asTheyCame instanceof Failure) throw asTheyCame;
  return segments;
}

function attempted(render: () => Segment[]): Segment[] | Failure {
  try {
    return render();
  } catch (error) {
    if (!(error instanceof Failure) || error.code === TOO_LONG) throw error;
    return error;
  }
}

function mediaOfTools(messages: readonly TemplateMessage[]): readonly Medium[] {
  return messages.flatMap(({ role, content }) =>
    role !== "tool" || typeof content === "string" ? [] : content.filter(isMedium),
  );
}

function isMedium(part: ContentPart): part is Medium {
  return part.type !== "text";
}

function isIn(segments: readonly Segment[], medium: Medium): boolean {
  return segments.some((segment) =>
    medium.type === "image"
      ? segment.kind === "picture" && segment.index === medium.picture
      : segment.kind === "sound" && segment.index === medium.sound,
  );
}

function shownBelow(
  messages: readonly TemplateMessage[],
  left: ReadonlySet<Medium>,
): readonly TemplateMessage[] {
  const arranged: TemplateMessage[] = [];
  let due: Medium[] = [];
  for (const message of messages) {
    if (message.role === "tool") {
      const { without, media } = parted(message, left, "below");
      arranged.push(without);
      due.push(...media);
      continue;
    }
    if (due.length > 0 && message.role === "user") {
      arranged.push({ ...message, content: concatenated([due, message.content]) });
    } else if (due.length > 0) {
      arranged.push({ role: "user", content: due }, message);
    } else {
      arranged.push(message);
    }
    due = [];
  }
  return due.length === 0 ? arranged : [...arranged, { role: "user", content: due }];
}

function shownAbove(
  messages: readonly TemplateMessage[],
  left: ReadonlySet<Medium>,
): readonly TemplateMessage[] {
  const arranged: TemplateMessage[] = [];
  for (const message of messages) {
    const { without, media } = parted(message, left, "above");
    const at = arranged.findLastIndex(({ role }) => role === "user");
    const before = arranged[at];
    if (media.length === 0 || before === undefined) {
      arranged.push(message);
      continue;
    }
    arranged[at] = { ...before, content: concatenated([before.content, media]) };
    arranged.push(without);
  }
  return arranged;
}

/** A result without what is left out of it. */
function parted(message: TemplateMessage, left: ReadonlySet<Medium>, where: string) {
  const { role, content } = message;
  if (role !== "tool" || typeof content === "string") return { without: message, media: [] };
  const media = content.filter((part) => isMedium(part) && left.has(part)) as readonly Medium[];
  const texts = content.map((part): ContentPart => {
    if (!isMedium(part) || !left.has(part)) return part;
    return { type: "text", text: `(${part.type} ${where})` };
  });
  const joined = concatenated([texts]);
  const [only, ...others] = typeof joined === "string" ? [] : joined;
  const text = only?.type === "text" && others.length === 0 ? only.text : joined;
  return { without: { ...message, content: text }, media };
}
