/**
 * Checks who imports whom in packages/ and services/, and that somebody does, as part of `npm run check`.
 *
 * Reads the workspaces and their modules, asks boundary-rules.ts, prints one line per violation and
 * ends with status 1 if there is any.
 */
import { glob, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type House, violationsOf, type Workspace } from "./boundary-rules.ts";
import { KEPT_EXPORTS } from "./kept-exports.ts";
import { LAYERS } from "./layers.ts";

const ROOT = resolve(import.meta.dirname, "..");
const WORKSPACES = "{packages,services}/*";
const OUTSIDE = "{bench,scripts,test}";

type PackageJson = {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
};

export async function readHouse(root: string): Promise<House> {
  const workspaces = await Promise.all(
    (await files(root, `${WORKSPACES}/package.json`)).map((path) => readWorkspace(root, path)),
  );
  const modules = await readModules(root, `${WORKSPACES}/**/*.ts`);
  const outside = await readModules(root, `${OUTSIDE}/**/*.ts`);
  const { devDependencies = {} } = await readPackage(join(root, "package.json"));
  const rootDevDependencies = new Set(Object.keys(devDependencies));
  return {
    workspaces,
    modules,
    outside,
    rootDevDependencies,
    layers: LAYERS,
    keptExports: KEPT_EXPORTS,
  };
}

async function readModules(root: string, pattern: string): Promise<House["modules"]> {
  const paths = await files(root, pattern);
  return Promise.all(
    paths.map(async (path) => ({ path, source: await readFile(join(root, path), "utf8") })),
  );
}

async function files(root: string, pattern: string): Promise<readonly string[]> {
  return (await Array.fromAsync(glob(pattern, { cwd: root, exclude: isInstalled }))).toSorted();
}

function isInstalled(path: string): boolean {
  return path.split("/").includes("node_modules");
}

async function readWorkspace(root: string, path: string): Promise<Workspace> {
  const { name, dependencies = {} } = await readPackage(join(root, path));
  return { folder: dirname(path), name, dependencies: new Set(Object.keys(dependencies)) };
}

async function readPackage(path: string): Promise<PackageJson> {
  return JSON.parse(await readFile(path, "utf8")) as PackageJson;
}

if (import.meta.main) {
  const house = await readHouse(ROOT);
  const violations = violationsOf(house);
  for (const { path, line, message } of violations) console.error(`${path}:${line}: ${message}`);
  const summary = `boundaries: ${house.modules.length} modules in ${house.workspaces.length} workspaces`;
  console.log(`${summary}, ${violations.length} violations`);
  // Nothing to check is a broken check, not a clean house.
  process.exitCode = violations.length > 0 || house.modules.length === 0 ? 1 : 0;
}
