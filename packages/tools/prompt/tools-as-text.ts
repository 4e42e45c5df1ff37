/**
 * For models whose chat template knows nothing of tools: the tools, the calls and their results as text in the roles that
 * every template has.
 *
 * What models are told is the text of `INSTRUCTIONS`, which `docs/tools.md` documents.
 */
import type { TemplateMessage } from "@localmodel/inference/generate.ts";
import { concatenated } from "@localmodel/inference/picture.ts";
import type { CallSyntax } from "../syntax/call-syntax.ts";
import type { HistoryCall } from "./history.ts";
import { writtenCalls } from "./written-calls.ts";

const INSTRUCTIONS = [
  "# Tools",
  "",
  "You may call one or more of these functions to help with the user's request. Each line describes one, with a JSON Schema of its arguments:",
  "<tools>",
  "{tools}",
  "</tools>",
  "",
  "To call a function, answer with its name and its arguments as a JSON object within <tool_call></tool_call>:",
  "<tool_call>",
  '{"name": <name of the function>, "arguments": <its arguments as an object>}',
  "</tool_call>",
  "The result comes within <tool_response></tool_response>. Call a function only when it helps.",
].join("\n");

/** What the template has words for. */
type Takes = { readonly tools: boolean; readonly calls: boolean; readonly results: boolean };

/** The instructions join the conversation's own system message, or are one before it. */
export function toolsAsText(
  messages: readonly TemplateMessage[],
  {
    tools,
    takes,
    syntax,
  }: { readonly tools: readonly object[]; readonly takes: Takes; readonly syntax: CallSyntax },
): readonly TemplateMessage[] {
  const withResults = takes.results ? messages : joinedResults(messages).map(resultAsText);
  const texts = takes.calls ? withResults : withResults.map((one) => callsAsText(one, syntax));
  if (takes.tools || tools.length === 0) return texts;
  const listed = tools.map((tool) => JSON.stringify(tool)).join("\n");
  const instructions = INSTRUCTIONS.replace("{tools}", () => listed);
  const [first, ...others] = texts;
  if (first?.role !== "system") return [{ role: "system", content: instructions }, ...texts];
  return [{ ...first, content: concatenated([first.content, `\n\n${instructions}`]) }, ...others];
}

/** Many templates take no two messages of a user in a row. */
function joinedResults(messages: readonly TemplateMessage[]): readonly TemplateMessage[] {
  const joined: TemplateMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (message.role !== "tool" || last?.role !== "tool") joined.push(message);
    else {
      const between = "\n</tool_response>\n<tool_response>\n";
      const content = concatenated([last.content, between, message.content]);
      joined.splice(-1, 1, { ...last, content });
    }
  }
  return joined;
}

function resultAsText(message: TemplateMessage): TemplateMessage {
  if (message.role !== "tool") return message;
  const content = concatenated(["<tool_response>\n", message.content, "\n</tool_response>"]);
  return { role: "user", content };
}

function callsAsText(message: TemplateMessage, syntax: CallSyntax): TemplateMessage {
  const { tool_calls: calls, ...rest } = message;
  if (calls === undefined) return message;
  const written = writtenCalls(
    syntax,
    (calls as readonly HistoryCall[]).map((call) => call.function),
  );
  const { content } = message;
  if (content === "" || written === "")
    return { ...rest, content: content === "" ? written : content };
  return { ...rest, content: concatenated([content, "\n", written]) };
}
