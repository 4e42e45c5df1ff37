/** One JSON value as it is written, with the white space that the layout allows between its tokens. */
import { type Json, isArray, isObject } from "../json.ts";
import { type GrammarBuilder, type Sequence, text } from "../rules/grammar.ts";
import type { Layout } from "./layout.ts";

export function createLiteral(
  { inside, afterColon, afterComma, spellings }: Layout,
  grammar: GrammarBuilder,
) {
  const number = (value: number): Sequence => {
    const [plain = "", ...others] = spellings(value);
    if (others.length === 0) return [text(plain)];
    return [grammar.add("number", [[text(plain)], ...others.map((other) => [text(other)])])];
  };
  const around = (open: string, members: readonly Sequence[], close: string): Sequence => {
    if (members.length === 0) return [text(open), ...inside, text(close)];
    const list = members.flatMap((each, i) =>
      i === 0 ? each : [text(","), ...afterComma, ...each],
    );
    return [text(open), ...inside, ...list, ...inside, text(close)];
  };

  const literal = (given: Json): Sequence => {
    if (isArray(given)) return around("[", given.map(literal), "]");
    if (typeof given === "number") return number(given);
    if (!isObject(given)) return [text(JSON.stringify(given))];
    const members = Object.entries(given).map(([name, each]): Sequence => [
      text(`${JSON.stringify(name)}:`),
      ...afterColon,
      ...literal(each),
    ]);
    return around("{", members, "}");
  };

  return literal;
}
