/**
 * Notices a picture or a sound that is begun and never done: a device that hangs, threads that wait for each other. All that
 * come behind it would wait for ever.
 *
 * CPUs tell how they get on, and may take as long as they want. A GPU takes a picture in one go, which is seconds at most.
 */
import type { Watched } from "@localmodel/llama/vision/encoder-thread.ts";
import { Patience, type PatienceLimit } from "@localmodel/service/process/patience.ts";

const LIMIT: PatienceLimit = { beatMs: 1000, beats: 600 };

export function lookWatch(onStuck: (message: string) => void, limit = LIMIT): Watched {
  const { beatMs, beats } = limit;
  const seconds = Math.round((beats * beatMs) / 1000);
  return async (look, progress) => {
    using patience = new Patience(limit, () =>
      onStuck(`The projector has not got on with a picture or a sound for ${seconds} s`),
    );
    using _progress = renewedBy(progress, patience, beatMs);
    return await look();
  };
}

function renewedBy(progress: () => number, patience: Patience, beatMs: number): Disposable {
  let before = progress();
  const timer = setInterval(() => {
    const now = progress();
    if (now !== before) patience.renew();
    before = now;
  }, beatMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
