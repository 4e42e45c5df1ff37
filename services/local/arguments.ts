/**
 * The command line, parsed: what to run, or what is wrong with it.
 */
import { parseArgs } from "node:util";
import { isOrigin } from "@localmodel/localmodel/contracts/api-config.ts";
import { EnvironmentPolicy } from "@localmodel/localmodel/resource/environment-policy.ts";
import type { BareEngine } from "./documents/bare-weights.ts";
import { parseMemorySize } from "./desired/memory-budget.ts";
import { ENGINE_OPTIONS, engineFrom, type EngineValues } from "./documents/engine-options.ts";

export const USAGE = `Usage: npm start [-- [FILE.yaml | FOLDER | model.gguf]... [options]]

Runs open models on this machine behind one OpenAI-compatible endpoint. Without a
file it serves examples/smollm2-135m.yaml, a small model for trying things out.

Options:
  --port PORT    port of the endpoint (default 1234; 0 takes a free one)
  --host HOST    address to listen on (default 127.0.0.1: this machine only)
  --keys FILE    who may use it, see docs/keys.md (default: everybody who reaches it)
  --cors ORIGIN  a web page that may use it, such as http://localhost:3000; repeatable
  --memory SIZE  memory for all models together, such as 8GiB (default: three quarters of
                 what there is); those that sleep make room for each other
  --gpu-memory SIZE  memory of GPUs for all models together (default: what there is);
                 memory that a GPU shares with the machine counts as the machine's
  --allow-env NAME  a variable that spec.env of documents may set besides those that tune
                 llama.cpp, such as NODE_OPTIONS; * stands for any characters; repeatable
  -h, --help     print this
  -v, --version  print the version

For models without a document (GGUF files and folders of them); a document says it in
spec.engine:
  --context N    tokens of context for each request (default: what the model was
                 trained for, as far as memory allows)
  --slots N      requests answered at the same time (default 4)
  --threads N    CPU threads (default: the CPUs there are; one less for several models)
  --gpu-layers N layers on the GPU (default: as many as fit; 0: none)
`;

const OPTIONS = {
  port: { type: "string" },
  host: { type: "string" },
  keys: { type: "string" },
  cors: { type: "string", multiple: true },
  memory: { type: "string" },
  "gpu-memory": { type: "string" },
  "allow-env": { type: "string", multiple: true },
  ...ENGINE_OPTIONS,
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "v" },
} as const;

/** Those that npm knows itself: it answers them and starts nothing. */
const OF_NPM: ReadonlySet<string> = new Set(["help", "version"]);

const DEFAULT_PORT = 1234;
const DEFAULT_HOST = "127.0.0.1";

type Arguments = {
  /** Empty: the default document. */
  readonly paths: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly keysFile?: string;
  /** Origins of web pages that may use the endpoint. */
  readonly origins: readonly string[];
  /** What documents may set in spec.env besides what they always may. */
  readonly allowedVariables: readonly string[];
  /** For all models together; absent: what the machine has for them. */
  readonly memoryBytes?: number;
  /** Of GPUs; absent: what they have. */
  readonly deviceBytes?: number;
  /** For models without a document. */
  readonly engine: BareEngine;
};

export type Command =
  | { readonly type: "run"; readonly arguments: Arguments }
  | { readonly type: "help" }
  | { readonly type: "version" }
  | { readonly type: "mistake"; readonly message: string };

export function parseCommand(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Command {
  const taken = Object.keys(OPTIONS).filter((name) => isTakenByNpm(name, environment));
  if (taken.length > 0) return { type: "mistake", message: takenByNpm(taken) };
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: OPTIONS,
    });
  } catch (error) {
    return { type: "mistake", message: error instanceof Error ? error.message : String(error) };
  }
  const { values, positionals } = parsed;
  if (values.help) return { type: "help" };
  if (values.version) return { type: "version" };
  return commandToRun(values, positionals);
}

type Values = EngineValues & {
  readonly host?: string;
  readonly port?: string;
  readonly keys?: string;
  readonly cors?: readonly string[];
  readonly memory?: string;
  readonly "gpu-memory"?: string;
  readonly "allow-env"?: readonly string[];
};

function commandToRun(values: Values, paths: readonly string[]): Command {
  const { host = DEFAULT_HOST, port = String(DEFAULT_PORT), keys: keysFile, cors = [] } = values;
  const allowedVariables = values["allow-env"] ?? [];
  const mistake =
    mistakeIn(host, port, paths) ??
    mistakeInAccess(keysFile, cors) ??
    mistakeInVariables(allowedVariables) ??
    mistakeInMemory("memory", values) ??
    mistakeInMemory("gpu-memory", values);
  if (mistake !== undefined) return { type: "mistake", message: mistake };
  const read = engineFrom(values);
  if ("mistake" in read) return { type: "mistake", message: read.mistake };
  const access = { ...(keysFile !== undefined && { keysFile }), origins: cors, allowedVariables };
  return {
    type: "run",
    arguments: {
      paths,
      host,
      port: Number(port),
      ...access,
      ...memoryIn(values),
      engine: read.engine,
    },
  };
}

/** Without `--` before them, npm keeps options for itself, and hands on only what stood after them. */
function isTakenByNpm(name: string, environment: NodeJS.ProcessEnv): boolean {
  return !OF_NPM.has(name) && environment[`npm_config_${name.replaceAll("-", "_")}`] !== undefined;
}

function takenByNpm(names: readonly string[]): string {
  const options = names.map((name) => `--${name}`).join(" and ");
  return `npm kept ${options} for itself; options come after a --, as in: npm start -- model.gguf --${names[0]} …`;
}

function mistakeIn(host: string, port: string, paths: readonly string[]): string | undefined {
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    return `--port must be a number from 0 to 65535; found "${port}"`;
  }
  if (!/^[\w.:-]+$/.test(host)) return `--host must be an address or a host name; found "${host}"`;
  const odd = paths.find((path) => path === "");
  return odd === undefined ? undefined : "a path must not be empty";
}

function mistakeInVariables(names: readonly string[]): string | undefined {
  const odd = names.find((name) => !EnvironmentPolicy.safeParse({ variables: [name] }).success);
  if (odd === undefined) return undefined;
  return `--allow-env must be the name of a variable, in which * stands for any characters; found "${odd}"`;
}

function memoryIn(values: Values): Pick<Arguments, "memoryBytes" | "deviceBytes"> {
  const memoryBytes = parseMemorySize(values.memory ?? "");
  const deviceBytes = parseMemorySize(values["gpu-memory"] ?? "");
  return {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(deviceBytes !== undefined && { deviceBytes }),
  };
}

function mistakeInMemory(name: "memory" | "gpu-memory", values: Values): string | undefined {
  const size = values[name];
  if (size === undefined || parseMemorySize(size) !== undefined) return undefined;
  return `--${name} must be a size such as 8GiB or 500MB; found "${size}"`;
}

function mistakeInAccess(
  keysFile: string | undefined,
  origins: readonly string[],
): string | undefined {
  if (keysFile === "") return "--keys must name a file";
  const odd = origins.find((origin) => !isOrigin(origin));
  if (odd === undefined) return undefined;
  return `--cors must be an origin such as http://localhost:3000, or *; found "${odd}"`;
}
