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

function isProduction(path: string): boolean {
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
  const places = new Set(inside.map(({ path }) => placeOf(path, root)));
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
  const here = placeOf(path, root);
  const floorOf = (place: string): number => floors.get(place) ?? Number.POSITIVE_INFINITY;
  return facts.imports.flatMap(({ specifier, line }) => {
    if (specifier === undefined || !specifier.startsWith(".")) return [];
    const target = posix.join(posix.dirname(path), specifier);
    if (!target.startsWith(`${root}/`) || !isProduction(target)) return [];
    const there = placeOf(target, root);
    // Files at the root that no floor names may be in any order among themselves.
    const isAbove = !floors.has(here) && !here.endsWith("/");
    if (there === here || isAbove || floorOf(there) < floorOf(here)) return [];
    const message = `imports ${there} of ${root}, which is not below ${here}: see scripts/layers.ts`;
    return [{ path, line, message }];
  });
}

/** The folder right below `root`, with a slash, or the file's name. */
function placeOf(path: string, root: string): string {
  const [first = "", ...rest] = path.slice(root.length + 1).split("/");
  return rest.length > 0 ? `${first}/` : first;
}
