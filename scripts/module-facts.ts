/**
 * What the walls want to know of a TypeScript module: what it imports, what it exports, how it opens.
 *
 * Everything that ties one module to another counts: imports for types only, re-exports, `import()`
 * in code and in types, `require`.
 */
import { type ParseResult, parseSync, Visitor } from "oxc-parser";

export type Import = {
  /** Undefined when it is computed, so that nobody can tell what it is. */
  readonly specifier: string | undefined;
  readonly line: number;
  /** Undefined when it may take everything: `import()`, `import * as`, `export *`. */
  readonly names: readonly string[] | undefined;
};

export type Export = {
  readonly name: string;
  readonly line: number;
  /** Whether its own module uses it, outside of its declaration; a property of the same name counts too. */
  readonly isUsedInside: () => boolean;
};

type ModuleFacts = {
  readonly imports: readonly Import[];
  /** By name; what `export *` passes on has none. */
  readonly exports: readonly Export[];
  readonly defaultExportLines: readonly number[];
  readonly opensWithDocComment: boolean;
};

/** A module as the rules see it. */
export type ReadModule = { readonly path: string; readonly facts: ModuleFacts };

/** Where in the text something stands, in UTF-16 units. */
type Span = { readonly start: number; readonly end: number };

/** Throws when `source` is no TypeScript. */
export function factsOf(path: string, source: string): ModuleFacts {
  const parsed = parseSync(path, source);
  const [error] = parsed.errors;
  if (error !== undefined) throw new SyntaxError(`cannot parse ${path}: ${error.message}`);
  const lineOf = (offset: number): number => source.slice(0, offset).split("\n").length;
  const imports = [
    ...importedStatically(parsed),
    ...importedInExpressions(parsed, source),
  ].toSorted((a, b) => a.start - b.start);
  const exported = parsed.module.staticExports.flatMap(({ entries }) => entries);
  return {
    imports: imports.map(({ specifier, names, start }) => ({
      specifier,
      names,
      line: lineOf(start),
    })),
    exports: parsed.module.staticExports.flatMap((statement) =>
      statement.entries.flatMap(({ moduleRequest, exportName: { name }, localName, start }) => {
        if (name === null || name === "default") return [];
        const isUsedInside = () =>
          moduleRequest === null && isUsedOutside(parsed, localName.name ?? name, statement);
        return [{ name, line: lineOf(start), isUsedInside }];
      }),
    ),
    defaultExportLines: exported.flatMap(({ exportName, start }) => {
      // The parser's enum exists in its types alone.
      const kind: string = exportName.kind;
      return kind === "Default" || exportName.name === "default" ? [lineOf(start)] : [];
    }),
    opensWithDocComment: /^(?:#![^\n]*\n)?\/\*\*/.test(source),
  };
}

type Found = {
  readonly specifier: string | undefined;
  readonly names: readonly string[] | undefined;
  readonly start: number;
};

function importedStatically({ module }: ParseResult): readonly Found[] {
  return [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({ moduleRequest, entries })),
    ...module.staticExports.flatMap(({ entries }) => {
      const moduleRequest = entries[0]?.moduleRequest;
      return moduleRequest ? [{ moduleRequest, entries }] : [];
    }),
  ].map(({ moduleRequest: { value, start }, entries }) => ({
    specifier: value,
    names: namesOf(entries.map(({ importName }) => importName.name)),
    start,
  }));
}

/** A star has no name. */
function namesOf(names: readonly (string | null)[]): readonly string[] | undefined {
  const named = names.filter((name) => name !== null);
  return named.length === names.length ? named : undefined;
}

/** `import()` in code and in types, and `require`; walks the tree only where the text may hold one. */
function importedInExpressions(parsed: ParseResult, source: string): readonly Found[] {
  if (!/\b(?:import|require)\s*\(/.test(source)) return [];
  const found: Found[] = [];
  const add = (request: Span | undefined): void => {
    if (request !== undefined)
      found.push({
        specifier: stringAt(source, request),
        names: undefined,
        start: request.start,
      });
  };
  new Visitor({
    ImportExpression: (node) => add(node.source),
    TSImportType: (node) => add(node.source),
    TSExternalModuleReference: (node) => add(node.expression),
    CallExpression: ({ callee, arguments: [request] }) => {
      if (callee.type === "Identifier" && callee.name === "require") add(request);
    },
  }).visit(parsed.program);
  return found;
}

function isUsedOutside({ program }: ParseResult, name: string, { start, end }: Span): boolean {
  let found = false;
  new Visitor({
    Identifier: (node) => {
      if (node.name === name && (node.start < start || node.end > end)) found = true;
    },
  }).visit(program);
  return found;
}

function stringAt(source: string, { start, end }: Span): string | undefined {
  return /^(["'])(.*)\1$/.exec(source.slice(start, end))?.[2];
}
