/**
 * POST /api/chat and /api/generate: Ollama's form, turned into OpenAI's, in which it is understood as everything else is;
 * answers are told in Ollama's again.
 */
import type { Failure } from "@localmodel/inference/failure.ts";
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import type { AnswerHead, Understood, Wire } from "@localmodel/inference/wire.ts";
import { chatWire } from "@localmodel/openai/chat/chat-wire.ts";
import { completionWire } from "@localmodel/openai/completions/completion-wire.ts";
import { saysNothing, Text, unsupportedUnless } from "@localmodel/openai/parsing/fields.ts";
import { type Parsed, requestParser } from "@localmodel/openai/parsing/request-parser.ts";
import { z } from "zod";
import { asMessage, asResponse, lines, loaded, type Said, whole } from "./answers/generated.ts";
import { OLLAMA_CHAT, OLLAMA_GENERATE } from "./endpoints.ts";
import { goingOn } from "./requests/begun-answer.ts";
import { Messages, openAiMessages } from "./requests/chat-messages.ts";
import { inMessage, inRequest, withImagePlaces } from "./requests/image-places.ts";
import {
  contentOf,
  type Generation,
  generationFields,
  given,
  Images,
  openAiFields,
} from "./requests/options.ts";

/** `tools` are OpenAI's, and looked at there. */
const chatFields = {
  ...generationFields,
  messages: Messages.exactOptional(),
  tools: z.unknown().exactOptional(),
};

const parseChat = requestParser(z.object(chatFields), Object.keys(chatFields));

export const ollamaChatWire: Wire<"generate"> = {
  endpoint: OLLAMA_CHAT,
  understand: (body) => {
    const { request, ignored } = parseChat(body);
    const { tools, messages: asked = [] } = request;
    if (asked.length === 0) return loading({ request, ignored }, asMessage);
    const messages = openAiMessages(asked);
    const understood = withImagePlaces(
      () => chatWire.understand(given({ ...openAiFields(request), messages, tools })),
      inMessage,
    );
    const ask = goingOn(understood.ask);
    return answering({ request, ignored }, { ...understood, ask }, asMessage);
  },
};

const generateFields = {
  ...generationFields,
  prompt: Text.exactOptional(),
  suffix: Text.exactOptional(),
  system: Text.exactOptional(),
  images: Images.exactOptional(),
  raw: z.boolean().exactOptional(),
  context: unsupportedUnless(z.unknown(), saysNothing, {
    message:
      "Invalid '{param}': tokens of an earlier answer cannot be gone on with. Send the conversation as 'messages' to /api/chat.",
  }).exactOptional(),
  template: unsupportedUnless(z.unknown(), saysNothing, {
    message:
      "Invalid '{param}': the model's own chat template is used. Leave it out, or send the whole prompt with 'raw'.",
  }).exactOptional(),
};

const parseGenerate = requestParser(z.object(generateFields), Object.keys(generateFields));

export const ollamaGenerateWire: Wire<"generate"> = {
  endpoint: OLLAMA_GENERATE,
  understand: (body) => {
    const { request, ignored } = parseGenerate(body);
    if (asksNothing(request)) return loading({ request, ignored }, asResponse);
    return answering({ request, ignored }, generationOf(request), asResponse);
  },
};

type Generate = z.output<z.ZodObject<typeof generateFields>>;

function asksNothing({ prompt = "", suffix = "", images = [] }: Generate): boolean {
  return prompt === "" && suffix === "" && images.length === 0;
}

/** A prompt that is written already, or a gap to be filled, is none for a chat template. */
function generationOf(request: Generate): Understood<"generate"> {
  const { prompt = "", suffix = "", system = "", images, raw = false } = request;
  const fields = openAiFields(request);
  if (raw || suffix !== "") {
    refuseWithoutPlace(request);
    const gap = suffix === "" ? {} : { suffix };
    return completionWire.understand({ max_tokens: -1, ...fields, prompt, ...gap });
  }
  const instructions = system === "" ? [] : [{ role: "system", content: system }];
  const question = { role: "user", content: contentOf(prompt, images) };
  const asked = { ...fields, messages: [...instructions, question] };
  return withImagePlaces(() => chatWire.understand(asked), inRequest);
}

/** Of a prompt that goes to the model as it is. */
function refuseWithoutPlace({
  suffix = "",
  system = "",
  images = [],
  raw = false,
}: Generate): void {
  if (images.length > 0) throw noPlaceForImages(suffix);
  if (raw && system !== "") throw noPlaceForInstructions();
}

function noPlaceForImages(suffix: string): Failure {
  const which = suffix === "" ? "with 'raw'" : "with a 'suffix'";
  return invalidRequest(
    "images",
    `Invalid 'images': a prompt ${which} goes to the model as it is, and has no place for images. Leave that out, or ask with /api/chat.`,
    "invalid_value",
  );
}

function noPlaceForInstructions(): Failure {
  return invalidRequest(
    "system",
    "Invalid 'system': a prompt with 'raw' goes to the model as it is. Write the instructions into the prompt, or leave 'raw' out.",
    "invalid_value",
  );
}

/**
 * Nothing is asked, so that the model is loaded and stays so for as long as the request says. Whether it is to leave memory,
 * whoever may let it decides: it is not asked then.
 */
function loading({ request, ignored }: Parsed<Generation>, said: Said): Understood<"generate"> {
  const { model, stream } = request;
  const { ask } = completionWire.understand({ prompt: "", max_tokens: 0 });
  const answer = (head: AnswerHead): object => loaded(head, said);
  return {
    model,
    ask,
    ignored,
    idPrefix: "ollama-",
    answer,
    ...(stream !== false && {
      stream: (head) => (event) => (event.type === "done" ? [{ data: answer(head) }] : []),
    }),
  };
}

function answering(
  { request, ignored }: Parsed<Generation>,
  { model, ask }: Understood<"generate">,
  said: Said,
): Understood<"generate"> {
  const { logprobs = false, top_logprobs: topLogprobs = 0 } = request;
  return {
    model,
    ask: logprobs ? { ...ask, topLogprobs } : ask,
    ignored,
    reports: { reportsTimes: true },
    idPrefix: "ollama-",
    answer: whole(said),
    ...(request.stream !== false && { stream: lines(said) }),
  };
}
