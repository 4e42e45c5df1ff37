/**
 * Which of the images for NVIDIA's devices a model gets, by the nodes that its pods could run on. Pure.
 *
 * Its pods are kept to nodes that can run it (driver.ts), so what counts is where most of them find room; among those that
 * are equal it is what they wait with already, else the newest. Pods that must not be kept to such nodes (`Preferred`) get
 * what most nodes can run. Nodes that say nothing of their driver decide nothing.
 */
import type { CudaImage } from "../model/platform.ts";

/** A node that says which driver it has, and that the pods may run on. */
export type Prospect = {
  readonly driver: string;
  /** By image that it can run: how many pods would find room. */
  readonly rooms: Readonly<Partial<Record<CudaImage, number>>>;
};

export type Question = {
  /** That there are, newest first; one at least. */
  readonly images: readonly CudaImage[];
  /** Absent: nodes may not be read. */
  readonly prospects: readonly Prospect[] | undefined;
  readonly replicas: number;
  /** Whether pods are kept to nodes that can run their image. */
  readonly isBound: boolean;
  /** That pods wait with. */
  readonly current?: CudaImage | undefined;
  /** That a server has said its driver to be too old for. */
  readonly refuted?: CudaImage | undefined;
};

type CudaReason =
  | "OnlyImage"
  | "NodesSuit"
  | "NodesTooOld"
  | "NodesDiffer"
  | "NoRoom"
  | "DriverTooOld"
  | "NodesUnknown"
  | "PodsRun";

export type CudaChoice = {
  readonly image: CudaImage;
  readonly reason: CudaReason;
  readonly message: string;
};

export function chooseCuda(question: Question): CudaChoice {
  const { images, current } = question;
  const scored = possible(question).map((image) => ({ image, score: scoreOf(image, question) }));
  const best = Math.max(...scored.map(({ score }) => score));
  const equal = scored.filter(({ score }) => score === best).map(({ image }) => image);
  const image = equal.find((one) => one === current) ?? equal[0] ?? images[0] ?? "cuda";
  return { image, ...whyOf(image, question) };
}

/** What has failed gives way to older ones alone: two that fail would take turns for ever. */
function possible(question: Question): readonly CudaImage[] {
  const { images, refuted } = question;
  if (refuted === undefined) return images;
  const older = images.slice(images.indexOf(refuted) + 1);
  const isBetter =
    older.some((image) => scoreOf(image, question) > 0) || scoreOf(refuted, question) === 0;
  return older.length > 0 && isBetter ? older : [refuted];
}

/** 0: no node is known that can run it. */
function scoreOf(image: CudaImage, { prospects = [], isBound, replicas }: Question): number {
  const suiting = prospects.flatMap(({ rooms }) => rooms[image] ?? []);
  if (!isBound || suiting.length === 0) return suiting.length;
  return 1 + roomIn(suiting, replicas);
}

function roomIn(rooms: readonly number[], replicas: number): number {
  return Math.min(
    replicas,
    rooms.reduce((sum, room) => sum + room, 0),
  );
}

function whyOf(image: CudaImage, question: Question): Omit<CudaChoice, "image"> {
  const { images, prospects, refuted, isBound } = question;
  if (prospects === undefined && refuted === undefined) {
    return { reason: "NodesUnknown", message: "The operator may not read nodes." };
  }
  const known = prospects ?? [];
  const suiting = known.filter(({ rooms }) => rooms[image] !== undefined).length;
  const newer = images.slice(0, images.indexOf(image)).at(-1);
  if (refuted !== undefined && refuted === newer) {
    return { reason: "DriverTooOld", message: `A node's driver is too old for ${refuted}.` };
  }
  if (suiting === 0) return { reason: "NodesUnknown", message: noneOf(known) };
  if (newer === undefined || scoreOf(newer, question) === scoreOf(image, question)) {
    const message = `Of ${nodes(known.length)} that its pods may run on, ${suiting} can run it.`;
    return { reason: "NodesSuit", message };
  }
  if (scoreOf(newer, question) === 0)
    return { reason: "NodesTooOld", message: tooOld(newer, known) };
  return isBound
    ? { reason: "NoRoom", message: `On nodes that can run ${newer} fewer of its pods find room.` }
    : {
        reason: "NodesDiffer",
        message: `Not all nodes that its pods may run on can run ${newer}.`,
      };
}

function noneOf(known: readonly Prospect[]): string {
  return known.length === 0
    ? "No node that its pods may run on says which driver it has."
    : `No node that its pods may run on can run any: ${driversOf(known)}.`;
}

function tooOld(newer: CudaImage, known: readonly Prospect[]): string {
  return `Of ${nodes(known.length)} that its pods may run on, none can run ${newer}, by driver or devices: ${driversOf(known)}.`;
}

/** Alike however nodes are listed. */
function driversOf(known: readonly Prospect[]): string {
  const drivers = [...new Set(known.map(({ driver }) => driver))].toSorted();
  return `${drivers.length === 1 ? "driver" : "drivers"} ${drivers.slice(0, 8).join(", ")}`;
}

function nodes(count: number): string {
  return count === 1 ? "1 node" : `${count} nodes`;
}
