/** What is assigned to: a name, several, or an attribute of a namespace. */
import type { TokenStream } from "./token-stream.ts";
import type { Target } from "./tree.ts";

export function assignTarget(stream: TokenStream): Target {
  return targets(stream, true);
}

export function loopTarget(stream: TokenStream): Target {
  return targets(stream, false);
}

function targets(stream: TokenStream, members: boolean): Target {
  const first = one(stream, members);
  if (!stream.isOperator(",")) return first;
  const all = [first];
  while (stream.skip("operator", ",")) {
    if (!stream.is("name") && !stream.isOperator("(")) break;
    all.push(one(stream, members));
  }
  return { kind: "targets", targets: all };
}

function one(stream: TokenStream, members: boolean): Target {
  if (stream.skip("operator", "(")) {
    const inner = stream.deeper(() => targets(stream, members));
    stream.expect("operator", ")");
    return inner;
  }
  const { text: name } = stream.expect("name");
  if (CONSTANTS.has(name)) throw stream.unexpected(`something else than '${name}' to assign to`);
  if (!members || !stream.skip("operator", ".")) return { kind: "name", name };
  return { kind: "member", namespace: name, name: stream.expect("name").text };
}

const CONSTANTS = new Set(["true", "True", "false", "False", "none", "None"]);
