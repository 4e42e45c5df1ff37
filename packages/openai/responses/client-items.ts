/** Calls of the tools in client-tools.ts and what came of them, as clients give them back: to a model, calls of functions. */
import { z } from "zod";
import { boundedArray, nullsAbsent, Text } from "../parsing/fields.ts";
import type { ClientTool } from "./client-tools.ts";

const LIST_MAX = 4096;

function call(name: ClientTool, callId: string, args: object) {
  return { type: "function_call" as const, call_id: callId, name, arguments: JSON.stringify(args) };
}

function output(callId: string, text: string) {
  return { type: "function_call_output" as const, call_id: callId, output: text };
}

/** What was left to the tool is not said again. */
function said(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const Count = z.number().exactOptional();

export const LocalShellCall = z
  .object({
    type: z.literal("local_shell_call"),
    call_id: Text,
    action: nullsAbsent(
      z.object({
        command: boundedArray(Text, { max: LIST_MAX }),
        env: z.record(z.string(), Text).exactOptional(),
        timeout_ms: Count,
        working_directory: Text.exactOptional(),
      }),
    ),
  })
  .transform(({ call_id: id, action: { env = {}, ...action } }) =>
    call("local_shell", id, said({ ...action, ...(Object.keys(env).length > 0 && { env }) })),
  );

/** OpenAI's document names the call by `id`, its guide by `call_id`. */
export const LocalShellCallOutput = z
  .object({
    type: z.literal("local_shell_call_output"),
    id: Text.exactOptional(),
    call_id: Text.exactOptional(),
    output: Text,
  })
  .transform(({ id = "", call_id: callId = id, output: text }) => output(callId, text));

export const ShellCall = z
  .object({
    type: z.literal("shell_call"),
    call_id: Text,
    action: nullsAbsent(
      z.object({
        commands: boundedArray(Text, { max: LIST_MAX }),
        timeout_ms: Count,
        max_output_length: Count,
      }),
    ),
  })
  .transform(({ call_id: id, action }) => call("shell", id, said(action)));

const Outcome = z.discriminatedUnion("type", [
  z.object({ type: z.literal("exit"), exit_code: z.number() }),
  z.object({ type: z.literal("timeout") }),
]);

export const ShellCallOutput = z
  .object({
    type: z.literal("shell_call_output"),
    call_id: Text,
    output: boundedArray(z.object({ stdout: Text, stderr: Text, outcome: Outcome }), {
      max: LIST_MAX,
    }),
  })
  .transform(({ call_id: id, output: outputs }) =>
    output(
      id,
      outputs
        .map(({ stdout, stderr, outcome }) =>
          [
            stdout,
            stderr,
            outcome.type === "timeout" ? "(timed out)" : `(exit code ${outcome.exit_code})`,
          ]
            .filter((part) => part !== "")
            .join("\n"),
        )
        .join("\n"),
    ),
  );

export const ApplyPatchCall = z
  .object({
    type: z.literal("apply_patch_call"),
    call_id: Text,
    operation: nullsAbsent(
      z.object({
        type: z.enum(["create_file", "update_file", "delete_file"]),
        path: Text,
        diff: Text.exactOptional(),
      }),
    ),
  })
  .transform(({ call_id: id, operation: { diff = "", ...operation } }) =>
    call("apply_patch", id, { ...operation, diff }),
  );

export const ApplyPatchCallOutput = z
  .object({
    type: z.literal("apply_patch_call_output"),
    call_id: Text,
    status: z.enum(["completed", "failed"]),
    output: Text.exactOptional(),
  })
  .transform(({ call_id: id, status, output: text = "" }) =>
    output(id, text === "" ? status : `${status}: ${text}`),
  );
