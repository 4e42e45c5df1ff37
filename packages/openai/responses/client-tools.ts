/**
 * Tools that OpenAI describes and the client runs: a shell, and patches of files. To a model they are functions; what it
 * calls them with has items of their own.
 */
import { z } from "zod";
import type { JsonSchema } from "@localmodel/inference/tools.ts";
import type { OutputItem, Place } from "./output-items.ts";

export const CLIENT_TOOLS = ["local_shell", "shell", "apply_patch"] as const;
export type ClientTool = (typeof CLIENT_TOOLS)[number];

export function isClientTool(type: string): type is ClientTool {
  return (CLIENT_TOOLS as readonly string[]).includes(type);
}

type Form = {
  readonly description: string;
  readonly parameters: JsonSchema;
  /** Of its items. */
  readonly idPrefix: string;
  /** What an item says beside its id, from the arguments, which are incomplete in an answer that was cut off. */
  fieldsOf(args: Readonly<Record<string, unknown>>): object;
};

const text = { type: "string" };
const milliseconds = { type: "integer", minimum: 1 };

export const FORMS: Readonly<Record<ClientTool, Form>> = {
  local_shell: {
    description: "Runs a command on the user's machine and returns what it prints.",
    parameters: {
      type: "object",
      properties: {
        command: {
          type: "array",
          items: text,
          minItems: 1,
          description: "A program and its arguments.",
        },
        working_directory: text,
        timeout_ms: milliseconds,
        env: { type: "object", additionalProperties: text },
      },
      required: ["command"],
      additionalProperties: false,
    },
    idPrefix: "lsh_",
    fieldsOf: ({ command = [], env = {}, timeout_ms = null, working_directory = null }) => ({
      action: { type: "exec", command, env, timeout_ms, user: null, working_directory },
    }),
  },
  shell: {
    description: "Runs shell commands on the user's machine and returns what they print.",
    parameters: {
      type: "object",
      properties: {
        commands: { type: "array", items: text, minItems: 1, description: "Lines for the shell." },
        timeout_ms: milliseconds,
        max_output_length: { type: "integer", minimum: 1 },
      },
      required: ["commands"],
      additionalProperties: false,
    },
    idPrefix: "sh_",
    fieldsOf: ({ commands = [], timeout_ms = null, max_output_length = null }) => ({
      action: { commands, timeout_ms, max_output_length },
      environment: { type: "local" },
    }),
  },
  apply_patch: {
    description:
      "Creates, updates or deletes one file. In the diff of a new file every line begins with +. In that of an update each " +
      "section begins with a line of @@, unchanged lines with a space, removed ones with -, added ones with +.",
    parameters: {
      type: "object",
      properties: {
        type: { enum: ["create_file", "update_file", "delete_file"] },
        path: text,
        diff: { ...text, description: "Empty for delete_file." },
      },
      required: ["type", "path", "diff"],
      additionalProperties: false,
    },
    idPrefix: "apc_",
    fieldsOf: ({ type = "update_file", path = "", diff = "" }) => ({
      operation: type === "delete_file" ? { type, path } : { type, path, diff },
    }),
  },
};

/** Told as a whole: what is half written is no command. */
export function clientCallItem(
  place: Place,
  { callId, type }: { callId: string; type: ClientTool },
): OutputItem {
  let written = "";
  const item: OutputItem["item"] = (status) => ({
    id: place.id,
    type: `${type}_call`,
    call_id: callId,
    ...FORMS[type].fieldsOf(argumentsIn(written)),
    // A patch is there or not.
    status: type === "apply_patch" && status === "incomplete" ? "in_progress" : status,
  });
  return {
    item,
    begin: () => [],
    write: (more) => {
      written += more;
      return [];
    },
    end: (status) => [
      { type: "response.output_item.added", output_index: place.index, item: item("in_progress") },
      { type: "response.output_item.done", output_index: place.index, item: item(status) },
    ],
  };
}

const Arguments = z.record(z.string(), z.unknown());

function argumentsIn(json: string): Readonly<Record<string, unknown>> {
  try {
    return Arguments.parse(JSON.parse(json));
  } catch {
    return {};
  }
}
