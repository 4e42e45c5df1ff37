/**
 * Dead exports, as a rule over all modules: what production code exports, other production code imports.
 *
 * Tests do not keep code alive, with two exceptions. A test beside a module may look at a part of it that the module
 * uses itself. And `test/` and `bench/` use the product from outside, as its clients do: what they import is used,
 * when production uses the same module too.
 */
import { posix } from "node:path";
import type { KeptExports } from "./kept-exports.ts";
import { isProduction } from "./layer-rules.ts";
import type { Export, ReadModule } from "./module-facts.ts";
import type { Violation } from "./violation.ts";

/** Folders of what uses the product from outside. */
const OUTSIDE = ["bench/", "test/"];

/** Who imports a module: paths by the names that they import, and of those that may import all. */
type Importers = { readonly all: Set<string>; readonly byName: Map<string, Set<string>> };

type Question = {
  readonly path: string;
  readonly importers: Importers | undefined;
  readonly isUsedByProduction: boolean;
};

/**
 * `modules` are those whose exports are checked, and those that may import them. `folders` are the workspaces' by the
 * names of their packages.
 */
export function exportViolations(
  modules: readonly ReadModule[],
  folders: ReadonlyMap<string, string>,
  kept: KeptExports,
): readonly Violation[] {
  const importers = importersOf(modules, folders);
  const checked = modules.filter(
    ({ path }) =>
      isProduction(path) && [...folders.values()].some((one) => path.startsWith(`${one}/`)),
  );
  const dead = checked.flatMap(({ path, facts }) => {
    const mine = importers.get(path);
    const isUsedByProduction = [...pathsIn(mine)].some(isUser);
    const question = { path, importers: mine, isUsedByProduction };
    return facts.exports.flatMap((one) => {
      const message = deadBecause(one, question);
      return message === undefined ? [] : [{ path, name: one.name, line: one.line, message }];
    });
  });
  const isKept = ({ path, name }: { readonly path: string; readonly name: string }): boolean =>
    wordsOf(kept[path]).some((word) => word === "*" || word === name);
  return [
    ...dead
      .filter((one) => !isKept(one))
      .map(({ path, line, message }) => ({ path, line, message })),
    ...notNeeded(kept, dead),
  ];
}

/** What is wrong with an export; undefined when somebody needs it. */
function deadBecause({ name, isUsedInside }: Export, question: Question): string | undefined {
  const { path, importers, isUsedByProduction } = question;
  const users = [...(importers?.all ?? []), ...(importers?.byName.get(name) ?? [])];
  if (users.some(isUser)) return undefined;
  if (users.length === 0) {
    const remedy = isUsedInside() ? "do not export it" : "remove it";
    return `exports ${name}, which no other module imports: ${remedy}`;
  }
  if (isUsedByProduction && users.some(isOutside)) return undefined;
  if (!isUsedInside()) return `exports ${name}, which only tests use: move it to them`;
  const folder = posix.dirname(path);
  if (users.some((user) => posix.dirname(user) === folder)) return undefined;
  return `exports ${name}, which of others only tests in another folder use: test it here or do not export it`;
}

function notNeeded(
  kept: KeptExports,
  dead: readonly { readonly path: string; readonly name: string }[],
): readonly Violation[] {
  return Object.entries(kept).flatMap(([path, names]) =>
    wordsOf(names)
      .filter(
        (word) => !dead.some((one) => one.path === path && (word === "*" || word === one.name)),
      )
      .map((word) => ({
        path: "scripts/kept-exports.ts",
        line: 1,
        message: `keeps ${word} of ${path}, which need not be kept: take it off the list`,
      })),
  );
}

function wordsOf(names = ""): readonly string[] {
  return names.split(" ").filter((word) => word !== "");
}

function importersOf(
  modules: readonly ReadModule[],
  folders: ReadonlyMap<string, string>,
): ReadonlyMap<string, Importers> {
  const found = new Map<string, Importers>();
  for (const { path, facts } of modules) {
    for (const { specifier, names } of facts.imports) {
      const target = targetOf(specifier, path, folders);
      if (target === undefined) continue;
      const importers = found.get(target) ?? { all: new Set(), byName: new Map() };
      found.set(target, importers);
      if (names === undefined) importers.all.add(path);
      for (const name of names ?? []) {
        importers.byName.set(name, (importers.byName.get(name) ?? new Set()).add(path));
      }
    }
  }
  return found;
}

/** Path of the module of ours that a specifier names. */
function targetOf(
  specifier: string | undefined,
  path: string,
  folders: ReadonlyMap<string, string>,
): string | undefined {
  if (specifier?.startsWith(".") === true) return posix.join(posix.dirname(path), specifier);
  const [scope, name, ...rest] = specifier?.split("/") ?? [];
  const folder = folders.get(`${scope}/${name}`);
  return folder === undefined ? undefined : [folder, ...rest].join("/");
}

function pathsIn(importers: Importers | undefined): ReadonlySet<string> {
  return new Set([
    ...(importers?.all ?? []),
    ...[...(importers?.byName.values() ?? [])].flatMap((paths) => [...paths]),
  ]);
}

/** What is written for generating files, `scripts/`, is production here. */
function isUser(path: string): boolean {
  return isProduction(path) && !isOutside(path);
}

function isOutside(path: string): boolean {
  return OUTSIDE.some((folder) => path.startsWith(folder));
}
