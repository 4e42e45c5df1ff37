/** A side that is started again where it was lost: one program's end costs a row its figure, and not the run its table. */
import type { Side } from "./sides.ts";
import type { Workload } from "./workloads.ts";

export class Standing implements AsyncDisposable {
  readonly #start: () => Promise<Side>;
  #side: Side;

  private constructor(start: () => Promise<Side>, side: Side) {
    this.#start = start;
    this.#side = side;
  }

  static async of(start: () => Promise<Side>): Promise<Standing> {
    return new Standing(start, await start());
  }

  get name(): string {
    return this.#side.name;
  }

  /** NaN where the work failed, of which the cause is told and after which the side is a new one. */
  async measure({ name, measure }: Workload): Promise<number> {
    try {
      return await measure(this.#side.url);
    } catch (error) {
      console.error(`${this.name} failed at: ${name}: ${causesOf(error)}`);
      await this.#end().catch(console.error);
      this.#side = await this.#start();
      return Number.NaN;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }

  async #end(): Promise<void> {
    await this.#side[Symbol.asyncDispose]();
  }
}

function causesOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined
    ? `${error.message}: ${causesOf(error.cause)}`
    : String(error);
}
