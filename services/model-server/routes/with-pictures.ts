/**
 * Images on their way to the engine: decoded when a request has its place, so that who waits outside takes no memory,
 * and held until its answer is over.
 */
import { codeOf } from "@localmodel/inference/failure.ts";
import type { Prompt } from "@localmodel/inference/generate.ts";
import type { ImageInput } from "@localmodel/inference/image-input.ts";
import type { AskOf, Operation, RequestOf } from "@localmodel/inference/operation.ts";
import { type Eyes, look } from "@localmodel/pictures/pictures.ts";
import { type Span, within } from "@localmodel/telemetry/spans/span.ts";

type Looking = {
  readonly eyes: Eyes;
  readonly span: Span | undefined;
  /** The client has hung up. */
  readonly gone: AbortSignal;
};

type WithPictures<Asked extends Operation> = Disposable & { readonly request: RequestOf<Asked> };

/** Only chats have any. */
export function imagesOf<Asked extends Operation>(ask: AskOf<Asked>): readonly ImageInput[] {
  return "images" in ask ? (ask.images ?? []) : [];
}

export async function withPictures<Asked extends Operation>(
  request: RequestOf<Asked>,
  images: readonly ImageInput[],
  { eyes, span, gone }: Looking,
): Promise<WithPictures<Asked>> {
  if (images.length === 0) return { request, [Symbol.dispose]: () => {} };
  const seen = await within(span, "decode images", {
    act: () => look(images, eyes, gone),
    errorTypeOf: codeOf,
  });
  const prompts = promptsOf(request).map((prompt) =>
    prompt.kind === "chat" ? { ...prompt, pictures: seen.pictures } : prompt,
  );
  return {
    request: Object.assign({}, request, { prompts }),
    [Symbol.dispose]: () => seen[Symbol.dispose](),
  };
}

function promptsOf<Asked extends Operation>(request: RequestOf<Asked>): readonly Prompt[] {
  return "prompts" in request ? request.prompts : [];
}
