/**
 * The walls of the house, as rules over modules: who may import what.
 *
 * Pure: a description of the workspaces and the text of their modules in, violations out. The tables
 * below are the places to change when a wall moves.
 */
import { builtinModules } from "node:module";
import { posix } from "node:path";
import { exportViolations } from "./export-rules.ts";
import type { KeptExports } from "./kept-exports.ts";
import { isProduction, layerViolations } from "./layer-rules.ts";
import type { Layers } from "./layers.ts";
import { factsOf, type Import, type ReadModule } from "./module-facts.ts";
import type { Violation } from "./violation.ts";

/** Outside things that exactly one folder may import, so that they can be replaced or faked there. */
export const SOLE_IMPORTERS: Readonly<Record<string, string>> = {
  "node-llama-cpp": "packages/llama/",
  "@kubernetes/client-node": "packages/kube/",
  koffi: "packages/llama/",
  "@redis/client": "services/api/valkey/",
};

/** Packages that only compute, and their few files that may touch the machine. */
const PURE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "packages/anthropic": [],
  "packages/grammar": [],
  "packages/tools": [],
  "packages/inference": [],
  "packages/jinja": [],
  "packages/ollama": [],
  "packages/openai": [],
  "packages/localmodel": [
    "packages/localmodel/documents/read-documents.ts",
    "packages/localmodel/documents/list-folder.ts",
    "packages/localmodel/documents/read-text.ts",
  ],
};

/** Node modules that only compute. */
const PURE_NODE_MODULES = new Set(
  "assert buffer crypto path querystring string_decoder url util"
    .split(" ")
    .map((x) => `node:${x}`),
);

/** Where tests and their fixtures find what they share with other workspaces' tests. */
const TEST_SUPPORT = "test/support/";

export type Workspace = {
  /** Relative to the root, such as `services/api`. */
  readonly folder: string;
  readonly name: string;
  readonly dependencies: ReadonlySet<string>;
};

type Module = { readonly path: string; readonly source: string };

export type House = {
  readonly workspaces: readonly Workspace[];
  readonly rootDevDependencies: ReadonlySet<string>;
  readonly modules: readonly Module[];
  /** Modules outside of the workspaces, which have no walls of their own but use what is inside. */
  readonly outside: readonly Module[];
  readonly layers: Layers;
  readonly keptExports: KeptExports;
};

export function violationsOf(house: House): readonly Violation[] {
  const modules = house.modules.map(readModule);
  const folders = new Map(house.workspaces.map(({ name, folder }) => [name, folder]));
  return [
    ...house.workspaces.flatMap((workspace) => declarationViolations(workspace, modules, house)),
    ...modules.flatMap((module) => moduleViolations(module, house)),
    ...layerViolations(modules, house.layers),
    ...exportViolations([...modules, ...house.outside.map(readModule)], folders, house.keptExports),
  ];
}

function readModule({ path, source }: Module): ReadModule {
  return { path, facts: factsOf(path, source) };
}

function declarationViolations(
  workspace: Workspace,
  modules: readonly ReadModule[],
  house: House,
): readonly Violation[] {
  const path = `${workspace.folder}/package.json`;
  const used = new Set(
    modules
      .filter((module) => module.path.startsWith(`${workspace.folder}/`))
      .flatMap(({ facts }) => facts.imports)
      .map(({ specifier }) => packageName(specifier ?? "")),
  );
  return [...workspace.dependencies].flatMap((dependency) => {
    const target = house.workspaces.find(({ name }) => name === dependency);
    if (target !== undefined && isService(target.folder)) {
      return [
        { path, line: 1, message: `depends on ${dependency}, a service: services are only run` },
      ];
    }
    if (used.has(dependency)) return [];
    return [{ path, line: 1, message: `declares ${dependency}, which nothing here imports` }];
  });
}

function moduleViolations({ path, facts }: ReadModule, house: House): readonly Violation[] {
  const at = (line: number, message: string): Violation => ({ path, line, message });
  const violations = facts.defaultExportLines.map((line) =>
    at(line, "has a default export: export a name instead"),
  );
  // A test's names say what it is for.
  if (!facts.opensWithDocComment && !isTest(path)) {
    violations.push(at(1, "opens without a doc comment: begin with /** what it is for */"));
  }
  const workspace = house.workspaces.find(({ folder }) => path.startsWith(`${folder}/`));
  if (workspace === undefined) return violations;
  for (const imported of facts.imports) {
    const message = importViolation({ path, workspace, imported, house });
    if (message !== undefined) violations.push(at(imported.line, message));
  }
  return violations;
}

type Context = {
  readonly path: string;
  readonly workspace: Workspace;
  readonly imported: Import;
  readonly house: House;
};

function importViolation(context: Context): string | undefined {
  const { specifier } = context.imported;
  if (specifier === undefined) return "imports a computed path: write it as a plain string";
  if (specifier.startsWith("node:")) return nodeViolation(specifier, context);
  if (/^[./]/.test(specifier)) return pathViolation(specifier, context);
  const name = packageName(specifier);
  if (builtinModules.includes(name)) return `imports "${specifier}": write "node:${specifier}"`;
  return packageViolation(name, context);
}

function nodeViolation(specifier: string, { path, workspace }: Context): string | undefined {
  const mayTouch = PURE_PACKAGES[workspace.folder];
  if (mayTouch === undefined || mayTouch.includes(path) || isTest(path)) return undefined;
  if (PURE_NODE_MODULES.has(specifier)) return undefined;
  return `imports ${specifier}, but ${workspace.folder} only computes: pass in what it needs`;
}

function pathViolation(specifier: string, { path, workspace, house }: Context): string | undefined {
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  if (target.startsWith(`${workspace.folder}/`)) return undefined;
  if (!isProduction(path) && target.startsWith(TEST_SUPPORT)) return undefined;
  const other = house.workspaces.find(({ folder }) => target.startsWith(`${folder}/`));
  if (other === undefined) return `imports ${specifier}, which is outside ${workspace.folder}`;
  if (isService(other.folder))
    return `imports ${target}, of another service: services never share code`;
  return `imports ${target} by its path: import "${other.name}/…" and declare it`;
}

function packageViolation(name: string, { path, workspace, house }: Context): string | undefined {
  const target = house.workspaces.find((candidate) => candidate.name === name);
  if (target !== undefined && target !== workspace && isService(target.folder)) {
    return `imports ${name}, a service: ${isService(workspace.folder) ? "services never import each other" : "packages never import services"}`;
  }
  const soleImporter = SOLE_IMPORTERS[name];
  if (soleImporter !== undefined && !isTest(path) && !path.startsWith(soleImporter)) {
    return `imports ${name}, which only ${soleImporter} may`;
  }
  if (workspace.dependencies.has(name)) return undefined;
  if (isTest(path) && house.rootDevDependencies.has(name)) return undefined;
  return `imports ${name}, which ${workspace.folder}/package.json does not declare`;
}

function packageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function isService(folder: string): boolean {
  return folder.startsWith("services/");
}

function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}
