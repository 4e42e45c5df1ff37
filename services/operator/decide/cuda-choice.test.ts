/** Which image for NVIDIA's devices is chosen: by example, and what holds for all fleets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CUDA_IMAGES } from "../model/platform.ts";
import { chooseCuda, type Prospect, type Question } from "./cuda-choice.ts";

const both = (driver: string, cuda: number, cuda12 = cuda): Prospect => ({
  driver,
  rooms: { cuda, cuda12 },
});
const old = (driver: string, cuda12: number): Prospect => ({ driver, rooms: { cuda12 } });
const tooOld = (driver: string): Prospect => ({ driver, rooms: {} });

const question: Question = { images: CUDA_IMAGES, prospects: [], replicas: 1, isBound: true };

const CASES: readonly {
  readonly name: string;
  readonly given: Partial<Question>;
  readonly want: string;
}[] = [
  {
    name: "the newest where a node can run it",
    given: { prospects: [both("580", 1)] },
    want: "cuda NodesSuit",
  },
  {
    name: "the newest in a mixed fleet with room on new drivers",
    given: { prospects: [old("550", 8), both("590", 1)] },
    want: "cuda NodesSuit",
  },
  {
    name: "an older one where no node can run the newest",
    given: { prospects: [old("550", 0), old("535", 1)] },
    want: "cuda12 NodesTooOld",
  },
  {
    name: "an older one where the new drivers' nodes are full and others have room",
    given: { prospects: [both("580", 0), old("550", 1)] },
    want: "cuda12 NoRoom",
  },
  {
    name: "an older one where more replicas find room with it",
    given: { prospects: [both("580", 1), old("550", 2)], replicas: 3 },
    want: "cuda12 NoRoom",
  },
  {
    name: "the newest where all nodes are full",
    given: { prospects: [both("580", 0), old("550", 0)] },
    want: "cuda NodesSuit",
  },
  {
    name: "the newest where no node says its driver",
    given: {},
    want: "cuda NodesUnknown",
  },
  {
    name: "the newest where nodes may not be read",
    given: { prospects: undefined },
    want: "cuda NodesUnknown",
  },
  {
    name: "the newest where the drivers of all nodes are too old for any",
    given: { prospects: [tooOld("470")] },
    want: "cuda NodesUnknown",
  },
  {
    name: "what pods wait with, where it is as good",
    given: { prospects: [both("580", 1)], current: "cuda12" },
    want: "cuda12 NodesSuit",
  },
  {
    name: "another than pods wait with, where that has no room",
    given: { prospects: [both("580", 0), old("550", 1)], current: "cuda" },
    want: "cuda12 NoRoom",
  },
  {
    name: "what all nodes can run, for pods that are not kept to some",
    given: { prospects: [both("580", 5), old("550", 0)], isBound: false },
    want: "cuda12 NodesDiffer",
  },
  {
    name: "the newest for pods that are not kept to some, where all nodes can run it",
    given: { prospects: [both("580", 0), both("590", 0)], isBound: false },
    want: "cuda NodesSuit",
  },
  {
    name: "an older one than a server has found its driver too old for",
    given: { current: "cuda", refuted: "cuda" },
    want: "cuda12 DriverTooOld",
  },
  {
    name: "the same where there is no older one than that has failed",
    given: { prospects: [both("580", 1)], current: "cuda12", refuted: "cuda12" },
    want: "cuda12 NodesSuit",
  },
];

for (const { name, given, want } of CASES) {
  test(`of two images it is ${name}`, () => {
    const { image, reason, message } = chooseCuda({ ...question, ...given });
    assert.equal(`${image} ${reason}`, want, message);
  });
}

test("it is said of which drivers the newest is not for", () => {
  const prospects = [old("550", 1), old("535", 1), old("550", 0)];
  const { message } = chooseCuda({ ...question, prospects });
  assert.match(message, /none can run cuda, by driver or devices: drivers 535, 550\./);
});

const someProspect = fc.record({
  driver: fc.constantFrom("470", "535", "550", "580", "595"),
  rooms: fc.record(
    { cuda: fc.integer({ min: 0, max: 4 }), cuda12: fc.integer({ min: 0, max: 4 }) },
    { requiredKeys: [] },
  ),
});
const someImage = fc.constantFrom(...CUDA_IMAGES, undefined);
const someQuestion: fc.Arbitrary<Question> = fc.record({
  images: fc.constantFrom(CUDA_IMAGES, ["cuda"] as const, ["cuda12"] as const),
  prospects: fc.array(someProspect, { maxLength: 6 }),
  replicas: fc.integer({ min: 1, max: 5 }),
  isBound: fc.boolean(),
  current: someImage,
});

const runsSomewhere = (image: string, { prospects = [] }: Question): boolean =>
  prospects.some(({ rooms }) => Object.keys(rooms).includes(image));

test("an image that no node can run is never chosen where another would do", () => {
  fc.assert(
    fc.property(someQuestion, (one) => {
      const { image } = chooseCuda(one);
      const others = one.images.filter((other) => runsSomewhere(other, one));
      assert.ok(others.length === 0 || others.includes(image));
    }),
  );
});

test("in whatever order nodes are listed, the same is chosen and said", () => {
  fc.assert(
    fc.property(someQuestion, (one) => {
      const { prospects = [] } = one;
      assert.deepEqual(
        chooseCuda({ ...one, prospects: prospects.toReversed() }),
        chooseCuda({ ...one, prospects }),
      );
    }),
  );
});

test("what has been chosen is chosen again while nothing changes", () => {
  fc.assert(
    fc.property(someQuestion, (one) => {
      const { image } = chooseCuda(one);
      assert.equal(chooseCuda({ ...one, current: image }).image, image);
    }),
  );
});

test("images that fail one after the other come to an end", () => {
  fc.assert(
    fc.property(someQuestion, (one) => {
      const first = chooseCuda({ ...one, current: "cuda", refuted: "cuda" }).image;
      const second = chooseCuda({ ...one, current: first, refuted: first }).image;
      assert.ok(!one.images.includes(first) || second === first || first === "cuda");
    }),
  );
});
