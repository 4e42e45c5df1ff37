/**
 * `chat_template_kwargs`: what a client tells the model's own chat template, {"enable_thinking": false} say.
 *
 * The names mean whatever the template makes of them, so anything JSON can say is accepted, up to a size.
 * Only what the server itself tells every template is not for a client to replace.
 */
import { z } from "zod";
import { refusal } from "../parsing/issue.ts";
import { type Json, wellFormed } from "../parsing/well-formed.ts";

const TEMPLATE_VARIABLES_MAX_CHARACTERS = 16_384;

const RESERVED = ["messages", "tools", "add_generation_prompt", "bos_token", "eos_token"] as const;

const reserved = RESERVED.map((name) => `'${name}'`).join(", ");

export const TemplateVariables = z
  .record(z.string(), z.unknown())
  .refine(
    (variables) => RESERVED.every((name) => !Object.hasOwn(variables, name)),
    refusal(`Invalid '{param}': ${reserved} are set by the server.`, "invalid_value"),
  )
  .refine(
    (variables) => JSON.stringify(variables).length <= TEMPLATE_VARIABLES_MAX_CHARACTERS,
    refusal(
      `Invalid '{param}': expected at most ${TEMPLATE_VARIABLES_MAX_CHARACTERS} characters of JSON.`,
      "object_above_max_length",
    ),
  )
  .transform((variables) => wellFormed(variables as Json) as Readonly<Record<string, Json>>);
