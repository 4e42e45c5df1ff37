/**
 * Steps of several contexts, one after another.
 *
 * Contexts that decode at the same time share the processors: each is given a part of the threads before it waits for
 * the others. In turn, each has all of them.
 */
export type InTurn = <Result>(step: () => Promise<Result>) => Promise<Result>;

export const atOnce: InTurn = (step) => step();

/** First come, first served; a step that fails lets the next one begin. */
export function turns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const result = last.then(step);
    last = result.catch(() => undefined);
    return result;
  };
}
