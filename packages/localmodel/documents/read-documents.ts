/**
 * What `npm start` was given, read from disk: documents, and weights that lie there by themselves.
 *
 * A file that was named is what its first bytes say it is; in a folder, which may hold anything, its ending decides.
 * Nothing here throws for what a person can get wrong: it all comes back as problems, beside every
 * model that is right.
 */
import { realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { type Documents, parseDocuments } from "./documents.ts";
import { resolveFilePaths } from "./file-paths.ts";
import type { ParsedModel } from "./judge-document.ts";
import { listFolder } from "./list-folder.ts";
import { API_VERSION, KIND } from "../resource/localmodel.ts";
import type { Problem } from "./problem.ts";
import { beginsAsGguf, readText, whyUnreadable } from "./read-text.ts";

const FILE_BYTES_MAX = 2 * 1024 * 1024;

type ReadResult = Documents & {
  /** Files that are weights and no documents, in order. */
  readonly weights: readonly GivenFile[];
};

/** A file that was named, or found in a folder that was. */
export type GivenFile = { readonly file: string; readonly inFolder: boolean };

/** Relative paths count from the current folder; the order given decides who comes first. */
export async function readDocuments(paths: readonly string[]): Promise<ReadResult> {
  const listed = await Promise.all(paths.map(filesAt));
  const given = await withoutRepeats(listed.flatMap((it) => it.files));
  const isWeights = await Promise.all(given.map(holdsWeights));
  const read = await Promise.all(given.filter((_, index) => !isWeights[index]).map(readFile));

  const { models, repeated } = withoutTakenNames(read.flatMap((it) => it.models));
  return {
    models,
    problems: [...listed, ...read].flatMap((it) => it.problems).concat(repeated),
    skipped: read.flatMap((it) => it.skipped),
    weights: given.filter((_, index) => isWeights[index]),
  };
}

async function holdsWeights({ file, inFolder }: GivenFile): Promise<boolean> {
  return file.toLowerCase().endsWith(".gguf") || (!inFolder && (await beginsAsGguf(file)));
}

async function filesAt(file: string): Promise<{ files: GivenFile[]; problems: Problem[] }> {
  try {
    const isFolder = (await stat(file)).isDirectory();
    const found = isFolder ? await listFolder(file) : [file];
    return { files: found.map((it) => ({ file: it, inFolder: isFolder })), problems: [] };
  } catch (error) {
    return { files: [], problems: [{ file, message: whyUnreadable(error) }] };
  }
}

/** A file named twice, or by itself and by its folder, is one file. */
async function withoutRepeats(given: readonly GivenFile[]): Promise<GivenFile[]> {
  const byRealPath = new Map<string, GivenFile>();
  for (const it of given) {
    const real = await realpath(it.file).catch(() => it.file);
    if (!byRealPath.has(real)) byRealPath.set(real, it);
  }
  return [...byRealPath.values()];
}

async function readFile({ file, inFolder }: GivenFile): Promise<Documents> {
  const content = await readText(file, FILE_BYTES_MAX);
  if ("failure" in content) {
    return { models: [], skipped: [], problems: [{ file, message: content.failure }] };
  }
  const { models, problems, skipped } = parseDocuments(content.text, file);
  const folders = { base: path.dirname(path.resolve(file)), home: homedir() };
  // A folder may hold anything; a file that was asked for by name is meant to be a LocalModel.
  const unknown = inFolder ? [] : skipped.filter(({ kind }) => kind === "");
  return {
    models: models.map((it) => ({
      ...it,
      model: { ...it.model, spec: resolveFilePaths(it.model.spec, folders) },
      ...(inFolder && { inFolder }),
    })),
    problems: [
      ...problems,
      ...unknown.map(({ line }) => ({
        file,
        line,
        message: `must be a document with apiVersion ${API_VERSION} and kind ${KIND}; found neither`,
      })),
    ],
    skipped: skipped.filter((it) => !unknown.includes(it)),
  };
}

function withoutTakenNames(all: readonly ParsedModel[]) {
  const byKey = new Map<string, ParsedModel>();
  const repeated: Problem[] = [];
  for (const it of all) {
    const first = byKey.get(it.key);
    if (first === undefined) byKey.set(it.key, it);
    else repeated.push(nameTaken(it, first));
  }
  return { models: [...byKey.values()], repeated };
}

function nameTaken(model: ParsedModel, first: ParsedModel): Problem {
  const name = JSON.stringify(model.model.metadata.name);
  return {
    file: model.file,
    line: model.line,
    field: "metadata.name",
    message: `must be unique; ${name} is already taken by ${first.file}:${first.line}`,
  };
}
