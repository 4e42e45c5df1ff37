/**
 * What a TypeScript module imports and whether it has a default export.
 *
 * Everything that ties one module to another counts: imports for types only, re-exports, `import()`
 * in code and in types, `require`.
 */
import { type Token, tokensOf } from "./module-tokens.ts";

export type Import = {
  /** Undefined when it is computed, so that nobody can tell what it is. */
  readonly specifier: string | undefined;
  readonly line: number;
};

export type ModuleFacts = {
  readonly imports: readonly Import[];
  readonly defaultExportLines: readonly number[];
  readonly opensWithDocComment: boolean;
};

export function factsOf(source: string): ModuleFacts {
  const tokens = tokensOf(source);
  const imports: Import[] = [];
  const defaultExportLines: number[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== "word" || tokens[index - 1]?.text === ".") continue;
    const found = importAt(tokens, index);
    if (found !== undefined) imports.push(found);
    if (exportsDefault(tokens, index)) defaultExportLines.push(token.line);
  }
  return {
    imports,
    defaultExportLines,
    opensWithDocComment: /^(?:#![^\n]*\n)?\/\*\*/.test(source),
  };
}

function importAt(tokens: readonly Token[], index: number): Import | undefined {
  const token = tokens[index];
  const next = tokens[index + 1];
  if (token === undefined || next === undefined) return undefined;
  const { line } = token;
  if ((token.text === "import" || token.text === "require") && next.text === "(") {
    return { specifier: stringOf(tokens[index + 2]), line };
  }
  if (token.text === "import" && next.kind === "string") {
    return { specifier: stringOf(next), line };
  }
  if (token.text === "from" && next.kind === "string" && isClauseEnd(tokens[index - 1])) {
    return { specifier: stringOf(next), line };
  }
  return undefined;
}

/** What stands before `from`: a name, a closing brace or a star; never a property or an operator. */
function isClauseEnd(token: Token | undefined): boolean {
  return token !== undefined && (token.kind === "word" || ["}", "*"].includes(token.text));
}

function stringOf(token: Token | undefined): string | undefined {
  return token?.kind === "string" ? token.text.slice(1, -1) : undefined;
}

function exportsDefault(tokens: readonly Token[], index: number): boolean {
  if (tokens[index]?.text !== "default") return false;
  const previous = tokens[index - 1]?.text;
  if (previous === "export") return true;
  return previous === "as" && isInsideExportClause(tokens, index);
}

function isInsideExportClause(tokens: readonly Token[], index: number): boolean {
  const open = tokens.slice(0, index).findLastIndex((token) => token.text === "{");
  const before = tokens[open - 1]?.text;
  return before === "export" || (before === "type" && tokens[open - 2]?.text === "export");
}
