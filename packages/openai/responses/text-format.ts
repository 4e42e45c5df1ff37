/** `text`: what the text of an answer has to be. Its schema stands flat, where `response_format` of chats nests it. */
import { z } from "zod";
import type { Constraint } from "@localmodel/inference/constraint.ts";
import { nullsAbsent } from "../parsing/fields.ts";

const Format = nullsAbsent(
  z.discriminatedUnion("type", [
    z.object({ type: z.literal("text") }),
    z.object({ type: z.literal("json_object") }),
    z.object({
      type: z.literal("json_schema"),
      name: z.string(),
      description: z.string().exactOptional(),
      /** Held to either way. */
      strict: z.boolean().exactOptional(),
      schema: z.union([z.record(z.string(), z.unknown()), z.boolean()]),
    }),
  ]),
);

export const TextFormat = nullsAbsent(
  z.object({ format: Format.exactOptional(), verbosity: z.string().max(64).exactOptional() }),
);
type TextFormat = z.output<typeof TextFormat>;

export function constraintOf({ format }: TextFormat = {}): { readonly constraint?: Constraint } {
  if (format === undefined || format.type === "text") return {};
  const language =
    format.type === "json_schema"
      ? ({ kind: "schema", schema: format.schema, field: "text.format.schema" } as const)
      : ({ kind: "schema", schema: { type: "object" }, field: "text.format" } as const);
  return { constraint: { grammar: { language } } };
}

/** As answers repeat it. */
export function repeatedText({ format, verbosity }: TextFormat = {}): object {
  return { format: repeatedFormat(format), ...(verbosity !== undefined && { verbosity }) };
}

function repeatedFormat(format: TextFormat["format"] = { type: "text" }): object {
  if (format.type !== "json_schema") return format;
  const { type, name, description, schema, strict = true } = format;
  return { type, name, ...(description !== undefined && { description }), schema, strict };
}
