/**
 * `spec.runtime`: what a model's pods run, where it is not what the platform has for their hardware.
 *
 * Local mode reads it and does nothing with it.
 */
import { z } from "zod";
import { textLike } from "./text.ts";

export const RuntimeSpec = z.strictObject({
  image: textLike(
    512,
    /^[A-Za-z0-9][-._A-Za-z0-9/:]*(@sha256:[a-f0-9]{64})?$/,
    "the reference of an image, such as registry.example/localmodel-model-server:1.2.3",
  )
    .exactOptional()
    .describe(
      "Image of the model server, so that an upgrade of the platform leaves it alone. Another version of the platform's own images, or what the platform allows.",
    ),
});
