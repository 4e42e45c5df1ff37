/**
 * The floors inside a workspace, as a rule over its modules: an import only goes down.
 *
 * Pure. Only production code has floors: a test may import whatever it looks at.
 */
import { posix } from "node:path";
import type { Layers } from "./layers.ts";
import type { ReadModule } from "./module-facts.ts";
import type { Violation } from "./violation.ts";

export function layerViolations(
  modules: readonly ReadModule[],
  layers: Layers,
): readonly Violation[] {
  const production = modules.filter(({ path }) => isProduction(path));
  return Object.entries(layers).flatMap(([root, floors]) =>
    violationsBelow(root, floorsByPlace(floors), production),
  );
}

export function isProduction(path: string): boolean {
  return !path.endsWith(".test.ts") && !path.split("/").includes("fixtures");
}

function floorsByPlace(floors: readonly string[]): ReadonlyMap<string, number> {
  return new Map(floors.flatMap((floor, index) => floor.split(" ").map((place) => [place, index])));
}

function violationsBelow(
  root: string,
  floors: ReadonlyMap<string, number>,
  production: readonly ReadModule[],
): readonly Violation[] {
  const inside = production.filter(({ path }) => path.startsWith(`${root}/`));
  const places = new Set(inside.map(({ path }) => placeOf(path, root, floors)));
  const unplaced = [...places].filter((place) => place.endsWith("/") && !floors.has(place));
  const stale = [...floors.keys()].filter((place) => !places.has(place));
  return [
    ...unplaced.map((place) => inTable(`${root}/${place} has no floor`)),
    ...stale.map((place) => inTable(`names ${root}/${place}, where no module is`)),
    ...inside.flatMap((module) => importsUpward(module, root, floors)),
  ];
}

function inTable(message: string): Violation {
  return { path: "scripts/layers.ts", line: 1, message };
}

function importsUpward(
  { path, facts }: ReadModule,
  root: string,
  floors: ReadonlyMap<string, number>,
): readonly Violation[] {
  const here = placeOf(path, root, floors);
  const floorOf = (place: string): number => floors.get(place) ?? Number.POSITIVE_INFINITY;
  return facts.imports.flatMap(({ specifier, line }) => {
    if (specifier === undefined || !specifier.startsWith(".")) return [];
    const target = posix.join(posix.dirname(path), specifier);
    if (!target.startsWith(`${root}/`) || !isProduction(target)) return [];
    const there = placeOf(target, root, floors);
    if (there === here || floorOf(there) < floorOf(here)) return [];
    const what = target.slice(root.length + 1);
    const message = `imports ${what} of ${root}, which is not below ${here}: see scripts/layers.ts`;
    return [{ path, line, message }];
  });
}

/** Stands for the files at the root that no floor names, which may be in any order among themselves. */
const OTHERS = ".";

/** The folder right below `root`, with a slash, or a file that has a floor of its own, or the others. */
function placeOf(path: string, root: string, floors: ReadonlyMap<string, number>): string {
  const [first = "", ...rest] = path.slice(root.length + 1).split("/");
  if (rest.length > 0) return `${first}/`;
  return floors.has(first) ? first : OTHERS;
}
