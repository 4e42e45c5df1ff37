/**
 * What `npm start` was given, read from disk: YAML files, folders of them, bare GGUF files.
 *
 * Nothing here throws for what a person can get wrong: it all comes back as problems, beside every
 * model that is right.
 */
import { realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { type Documents, parseDocuments } from "./documents.ts";
import { absolutePath, resolveFilePaths } from "./file-paths.ts";
import { modelFromGguf } from "./gguf-model.ts";
import type { ParsedModel } from "./judge-document.ts";
import { listFolder } from "./list-folder.ts";
import { API_VERSION, KIND } from "../resource/localmodel.ts";
import type { Problem } from "./problem.ts";
import { readText, whyUnreadable } from "./read-text.ts";

const FILE_BYTES_MAX = 2 * 1024 * 1024;

export type ReadResult = Documents & {
  /** Every file that was read, in order. */
  readonly files: readonly string[];
};

type Given = { readonly file: string; readonly inFolder: boolean };

/** Relative paths count from the current folder; the order given decides who comes first. */
export async function readDocuments(paths: readonly string[]): Promise<ReadResult> {
  const listed = await Promise.all(paths.map(filesAt));
  const given = await withoutRepeats(listed.flatMap((it) => it.files));
  const read: Documents[] = [];
  for (const it of given) if (!isGguf(it.file)) read.push(await readFile(it));

  const { models, repeated } = withoutTakenNames(read.flatMap((it) => it.models));
  const ggufs = given.map((it) => it.file).filter(isGguf);
  return {
    models: [...models, ...modelsFromGgufs(ggufs, models)],
    problems: [...listed, ...read].flatMap((it) => it.problems).concat(repeated),
    skipped: read.flatMap((it) => it.skipped),
    files: given.map((it) => it.file),
  };
}

async function filesAt(file: string): Promise<{ files: Given[]; problems: Problem[] }> {
  try {
    const isFolder = (await stat(file)).isDirectory();
    const found = isFolder ? await listFolder(file) : [file];
    return { files: found.map((it) => ({ file: it, inFolder: isFolder })), problems: [] };
  } catch (error) {
    return { files: [], problems: [{ file, message: whyUnreadable(error) }] };
  }
}

/** A file named twice, or by itself and by its folder, is one file. */
async function withoutRepeats(given: readonly Given[]): Promise<Given[]> {
  const byRealPath = new Map<string, Given>();
  for (const it of given) {
    const real = await realpath(it.file).catch(() => it.file);
    if (!byRealPath.has(real)) byRealPath.set(real, it);
  }
  return [...byRealPath.values()];
}

async function readFile({ file, inFolder }: Given): Promise<Documents> {
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

function isGguf(file: string): boolean {
  return file.toLowerCase().endsWith(".gguf");
}

function modelsFromGgufs(files: readonly string[], others: readonly ParsedModel[]): ParsedModel[] {
  const taken = new Set(others.map((it) => it.model.metadata.name));
  return files.map((file) => {
    const model = modelFromGguf(
      absolutePath(file, { base: process.cwd(), home: homedir() }),
      taken,
    );
    taken.add(model.metadata.name);
    return { key: `default/${model.metadata.name}`, model, file, line: 1 };
  });
}
