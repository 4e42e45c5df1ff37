/** `file.path` as a person writes it becomes the absolute path that everything else works with. */
import path from "node:path";
import type { LocalModelSpec } from "../resource/localmodel.ts";
import type { MirrorSpec, SourceSpec } from "../resource/source-spec.ts";

/** Folders that relative paths and `~/` start from. */
type Folders = { readonly base: string; readonly home: string };

export function resolveFilePaths(spec: LocalModelSpec, folders: Folders): LocalModelSpec {
  const { source, projector, draft, adapters, ...rest } = spec;
  return {
    ...rest,
    source: inSource(source, folders),
    ...(projector === undefined ? {} : { projector: inSource(projector, folders) }),
    ...(draft === undefined ? {} : { draft: inSource(draft, folders) }),
    ...(adapters === undefined ? {} : { adapters: adapters.map((it) => inSource(it, folders)) }),
  };
}

function inSource<Source extends SourceSpec>(source: Source, folders: Folders): Source {
  const { mirrors } = source;
  return {
    ...inFile(source, folders),
    ...(mirrors === undefined ? {} : { mirrors: mirrors.map((it) => inFile(it, folders)) }),
  };
}

function inFile<Source extends MirrorSpec>(source: Source, folders: Folders): Source {
  const { file } = source;
  if (file === undefined) return source;
  return { ...source, file: { ...file, path: absolutePath(file.path, folders) } };
}

export function absolutePath(written: string, { base, home }: Folders): string {
  const [first, ...rest] = written.split(/[/\\]/);
  return first === "~" ? path.join(home, ...rest) : path.resolve(base, written);
}
