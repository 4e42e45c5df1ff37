/**
 * Images and sounds on their way to the engine: decoded when a request has its place, so that who waits outside takes no
 * memory, and held until its answer is over.
 */
import { codeOf } from "@localmodel/inference/failure.ts";
import type { Prompt } from "@localmodel/inference/generate.ts";
import type { AskOf, Operation, RequestOf } from "@localmodel/inference/operation.ts";
import type { ModelFacts } from "@localmodel/localmodel/contracts/server-state.ts";
import { type Eyes, perceive, type Sent } from "@localmodel/pictures/pictures.ts";
import { type Span, within } from "@localmodel/telemetry/spans/span.ts";

type Perceiving = {
  readonly eyes: Eyes;
  readonly span: Span | undefined;
  /** The client has hung up. */
  readonly gone: AbortSignal;
};

type WithPictures<Asked extends Operation> = Disposable & { readonly request: RequestOf<Asked> };

/** Only chats have any. */
export function sentIn<Asked extends Operation>(
  ask: AskOf<Asked>,
  { audioSampleRate: sampleRate = 0 }: Pick<ModelFacts, "audioSampleRate">,
): Sent {
  const images = "images" in ask ? (ask.images ?? []) : [];
  const sounds = "sounds" in ask ? (ask.sounds ?? []) : [];
  return { images, sounds, sampleRate };
}

export async function withPictures<Asked extends Operation>(
  request: RequestOf<Asked>,
  sent: Sent,
  { eyes, span, gone }: Perceiving,
): Promise<WithPictures<Asked>> {
  const { images, sounds } = sent;
  if (images.length + sounds.length === 0) return { request, [Symbol.dispose]: () => {} };
  const perceived = await within(span, sounds.length === 0 ? "decode images" : "decode media", {
    act: () => perceive(sent, eyes, gone),
    errorTypeOf: codeOf,
  });
  const { pictures, sounds: heard } = perceived;
  const media = {
    ...(pictures.length > 0 && { pictures }),
    ...(heard.length > 0 && { sounds: heard }),
  };
  const prompts = promptsOf(request).map((prompt) =>
    prompt.kind === "chat" ? { ...prompt, ...media } : prompt,
  );
  return {
    request: Object.assign({}, request, { prompts }),
    [Symbol.dispose]: () => perceived[Symbol.dispose](),
  };
}

function promptsOf<Asked extends Operation>(request: RequestOf<Asked>): readonly Prompt[] {
  return "prompts" in request ? request.prompts : [];
}
