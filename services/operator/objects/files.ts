/**
 * The files a pod of a LocalModel needs, and what has to be mounted so that its fetcher can get them.
 *
 * To the fetcher, volumes are files of its machine: claims and images in a source become `file` sources
 * below their mount. Everything follows from roles ("weights", "projector", "adapter-0") and the position of each
 * candidate in its source, as pod-layout.ts says.
 */
import { posix } from "node:path";
import type { FetchedFile } from "@localmodel/localmodel/contracts/fetch-config.ts";
import {
  adapterRole,
  DRAFT_ROLE,
  fetchedPath,
  PROJECTOR_ROLE,
  volumeFolder,
  WEIGHTS_ROLE,
} from "@localmodel/localmodel/cluster/pod-layout.ts";
import {
  type MirrorSpec,
  type SingleSource,
  sourceCandidates,
  type WeightsSource,
} from "@localmodel/localmodel/resource/source-spec.ts";
import type { Model } from "../model/model.ts";

export type ModelFile = {
  readonly role: string;
  readonly source: WeightsSource;
  /** Where the server finds it. */
  readonly path: string;
};

/** The weights first. */
export function filesOf({ spec }: Pick<Model, "spec">): readonly ModelFile[] {
  const { projector, draft } = spec;
  const adapters = (spec.adapters ?? []).map(({ id: _id, scale: _scale, ...source }, index) => ({
    role: adapterRole(index),
    source,
  }));
  return [
    { role: WEIGHTS_ROLE, source: spec.source },
    ...(projector === undefined ? [] : [{ role: PROJECTOR_ROLE, source: projector }]),
    ...(draft === undefined ? [] : [{ role: DRAFT_ROLE, source: draft }]),
    ...adapters,
  ].map((file) => ({
    ...file,
    path: fetchedPath(file.role, file.source),
  }));
}

/** One place of one file. */
export type Candidate = {
  readonly role: string;
  /** Its position among the candidates of its file. */
  readonly index: number;
  readonly source: SingleSource;
};

export function candidatesOf(files: readonly ModelFile[]): readonly Candidate[] {
  return files.flatMap(({ role, source }) =>
    sourceCandidates(source).map((single, index) => ({ role, index, source: single })),
  );
}

export function fetchedFile({ role, source, path }: ModelFile): FetchedFile {
  const { mirrors, ...primary } = source;
  const onVolume = (index: number) => volumeFolder(role, index);
  return {
    role,
    source: {
      ...mountedSource(primary, onVolume(0)),
      ...(mirrors !== undefined && {
        mirrors: mirrors.map((mirror, index) => mountedSource(mirror, onVolume(index + 1))),
      }),
    },
    path,
  };
}

function mountedSource<Source extends MirrorSpec>(source: Source, folder: string): Source {
  const { persistentVolumeClaim, image, ...rest } = source;
  const path = (persistentVolumeClaim ?? image)?.path;
  if (path === undefined) return source;
  return { ...rest, file: { path: posix.join(folder, path) } } as Source;
}
