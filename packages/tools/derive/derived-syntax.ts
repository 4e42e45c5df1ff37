/**
 * How a model calls tools whose family nobody has described: from what its chat template makes of calls that are known.
 *
 * What is found is believed only if it reads every one of these answers as its calls, and writes them as the template does.
 */
import { isDeepStrictEqual } from "node:util";
import type { Tool } from "@localmodel/inference/tools.ts";
import { writtenCalls } from "../prompt/written-calls.ts";
import { answerReader } from "../reading/answer-reader.ts";
import { type CallSyntax, openingOf } from "../syntax/call-syntax.ts";
import { type Described, jsonSyntax } from "./json-form.ts";
import { PROBE_TOOLS, type ProbeCall, PROBES, type WrittenProbes } from "./probe-calls.ts";
import { taggedSyntax } from "./tagged-form.ts";

/** A message that has the name of its tool in its head. */
const ADDRESS = /^[^<>{}]+\{name\}<[^<>\s]+>/;
const MARKER = /^(?:<[^<>\s]+>|\[[A-Z_]+\])/;
const TOOLS: readonly Tool[] = PROBE_TOOLS.map((tool) => ({ ...tool, field: "tools" }));

/** Undefined where the template writes calls in no form that can be described. */
export function derivedSyntax(written: WrittenProbes): CallSyntax | undefined {
  const described = jsonSyntax(written) ?? taggedSyntax(written);
  if (described === undefined) return undefined;
  const syntax = { name: "derived", ...described, ...markerOf(described, written.plain) };
  const isTrue = Object.entries(PROBES).every(([probe, calls]) => {
    const answer = written[probe as keyof WrittenProbes];
    return answer === undefined || isWritten(syntax, calls, answer);
  });
  return isTrue ? syntax : undefined;
}

/**
 * The tag that calls begin with, or all that they begin with where other answers have that tag, too. Empty: there is none,
 * and only with the name of a tool is it known that one has begun.
 */
function markerOf(described: Described, plain: string): Pick<CallSyntax, "marker" | "reserved"> {
  const opening = openingOf(described);
  const [to] = ADDRESS.exec(opening) ?? [];
  if (to !== undefined) return { marker: to, reserved: addressed(plain, to) };
  const [tag = ""] = MARKER.exec(opening) ?? [];
  if (!plain.includes(tag)) return { marker: tag };
  return { marker: tag === "" ? "" : opening.replace(/\{(?:n|id)\}[^]*$/, "") };
}

/** To whom answers without calls are addressed, as calls are to their tools. */
function addressed(plain: string, to: string): readonly string[] {
  const [before = "", after = ""] = to.split("{name}");
  const end = plain.indexOf(after);
  const begin = plain.lastIndexOf(before, end);
  return begin === -1 || end === -1 ? [] : [plain.slice(begin + before.length, end)];
}

function isWritten(syntax: CallSyntax, calls: readonly ProbeCall[], answer: string): boolean {
  // A family that calls one tool at a time has the first of several alone in its answer.
  if (syntax.between === undefined && calls.length > 1) return true;
  return (
    isDeepStrictEqual(readCalls(syntax, answer), calls) &&
    withoutNumbers(writtenCalls(syntax, calls)) === withoutNumbers(answer)
  );
}

/** Without what differs from one writing of the same call to the next, white space and ids. */
function withoutNumbers(text: string): string {
  return text.replaceAll(/\s|\d/g, "");
}

/** Undefined where there is anything else, or a call has no end. */
function readCalls(syntax: CallSyntax, answer: string): readonly object[] | undefined {
  const reader = answerReader({ syntax, tools: TOOLS });
  const events = [...reader.push(answer), ...reader.finish()];
  const names = events.flatMap((event) => (event.type === "call" ? [event.name] : []));
  const ends = events.filter(({ type }) => type === "end");
  if (ends.length !== names.length || events.some(({ type }) => type === "text")) return undefined;
  return names.map((name, at) => {
    const written = events.flatMap((event) =>
      event.type === "arguments" && event.index === at ? [event.text] : [],
    );
    return { name, arguments: JSON.parse(written.join("")) as unknown };
  });
}
