/**
 * Conversations in an order that more templates take: some know no system message, or no two messages of a role in a row.
 *
 * As other servers do it, what a system message says goes to the beginning of the user's next one, and neighbours of a role
 * become one, with an empty line between them. Nothing is left out, and calls and results stay as they are.
 */
import type { TemplateMessage } from "@localmodel/inference/generate.ts";
import { concatenated, type Content } from "@localmodel/inference/picture.ts";

const BETWEEN = "\n\n";

/** What to try in turn, from the least change to the most; none where nothing would change. */
export function arrangements(
  messages: readonly TemplateMessage[],
): readonly (readonly TemplateMessage[])[] {
  const first = messages.findIndex(({ role }) => role !== "system");
  const begins = first < 0 ? messages.length : first;
  const kept = joined([...messages.slice(0, begins), ...withoutSystem(messages.slice(begins))]);
  return [kept, joined(withoutSystem(messages))].filter(
    (one, index, all) => isOther(one, messages) && (index === 0 || isOther(one, all[0] ?? [])),
  );
}

export function withoutSystem(messages: readonly TemplateMessage[]): readonly TemplateMessage[] {
  const arranged: TemplateMessage[] = [];
  let said: Content[] = [];
  for (const message of messages) {
    if (message.role === "system") {
      said.push(message.content);
    } else if (message.role === "user" && said.length > 0) {
      arranged.push({ ...message, content: withGaps([...said, message.content]) });
      said = [];
    } else {
      arranged.push(message);
    }
  }
  return said.length === 0 ? arranged : [...arranged, { role: "user", content: withGaps(said) }];
}

function withGaps(said: readonly Content[]): Content {
  return concatenated(said.flatMap((one, index) => (index === 0 ? [one] : [BETWEEN, one])));
}

function joined(messages: readonly TemplateMessage[]): readonly TemplateMessage[] {
  const arranged: TemplateMessage[] = [];
  for (const message of messages) {
    const before = arranged.at(-1);
    if (before === undefined || !mayJoin(before, message)) {
      arranged.push(message);
      continue;
    }
    const content = withGaps([before.content, message.content]);
    arranged[arranged.length - 1] = { ...before, content };
  }
  return arranged;
}

/** Only what is nothing but text of one author. */
function mayJoin(before: TemplateMessage, message: TemplateMessage): boolean {
  const { role } = before;
  if (role !== message.role || !["system", "user", "assistant"].includes(role)) return false;
  return isText(before) && isText(message) && before.name === message.name;
}

function isText({
  tool_calls: calls = [],
  reasoning_content: reasoning,
}: TemplateMessage): boolean {
  return calls.length === 0 && reasoning === undefined;
}

function isOther(one: readonly TemplateMessage[], other: readonly TemplateMessage[]): boolean {
  return one.length !== other.length || one.some((message, index) => message !== other[index]);
}
