/** The terminals that `%import common.…` brings, in Lark's own notation. */
import { type Definition, readLark } from "./syntax.ts";

const COMMON = String.raw`
DIGIT: "0".."9"
HEXDIGIT: "a".."f" | "A".."F" | DIGIT
INT: DIGIT+
SIGNED_INT: ["+" | "-"] INT
DECIMAL: INT "." [INT] | "." INT
_EXPONENT: ("e" | "E") SIGNED_INT
FLOAT: INT _EXPONENT | DECIMAL [_EXPONENT]
SIGNED_FLOAT: ["+" | "-"] FLOAT
NUMBER: FLOAT | INT
SIGNED_NUMBER: ["+" | "-"] NUMBER
ESCAPED_STRING: /"([^"\\\n]|\\[^\n])*"/
LCASE_LETTER: "a".."z"
UCASE_LETTER: "A".."Z"
LETTER: UCASE_LETTER | LCASE_LETTER
WORD: LETTER+
CNAME: ("_" | LETTER) ("_" | LETTER | DIGIT)*
WS_INLINE: (" " | "\t")+
WS: /[ \t\f\r\n]+/
CR: "\r"
LF: "\n"
NEWLINE: (CR? LF)+
SH_COMMENT: /#[^\n]*/
CPP_COMMENT: /\/\/[^\n]*/
C_COMMENT: "/*" /(?:[^*]|\*+[^*\/])*\*+\//
SQL_COMMENT: /--[^\n]*/
`;

/** By their names, all of them terminals. */
export const commonTerminals: ReadonlyMap<string, Definition> = new Map(
  readLark(COMMON).definitions.map((each) => [each.name, each]),
);
