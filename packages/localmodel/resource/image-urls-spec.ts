/** `spec.imageUrls`: which images a model server fetches for its clients. */
import { z } from "zod";
import { textLike } from "./text.ts";

const Host = textLike(
  253,
  /^(\*\.)?([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  'the name of a host such as "images.example.com", or "*.example.com" for all below',
);

export const ImageUrlsSpec = z.strictObject({
  allowedHosts: z
    .array(Host)
    .max(64)
    .default([])
    .describe(
      "Hosts that images are fetched from when a client sends an https URL instead of a picture, at public addresses only; `*.example.com` stands for any below. None: nothing is fetched.",
    )
    .meta({ "x-kubernetes-list-type": "atomic" }),
});
