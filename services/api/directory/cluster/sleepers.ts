/**
 * The pods of a cluster whose engines leave memory while the pods stay: who of them is listened to, what follows for the
 * directory, and who is woken.
 */
import type { Log } from "@localmodel/kube/log.ts";
import type { Directory } from "@localmodel/localmodel/contracts/directory.ts";
import { SERVER_KEY_HEADER } from "@localmodel/localmodel/contracts/server-key.ts";
import { lookUp } from "../find-model.ts";
import type { SleepSeam } from "../model-directory.ts";
import { neighbourOf } from "./neighbour.ts";
import { Residences } from "./residences.ts";
import type { ResidenceOf } from "./server-residence.ts";
import { askServer } from "./server-request.ts";
import { Waker } from "./waker.ts";

/** What the servers of a LocalModel know this service by. */
export type ServerKeyOf = (model: { readonly server: string }) => string | undefined;

type SleepersOptions = {
  /** Undefined while it is not known. */
  readonly current: () => Directory | undefined;
  /** What is current no longer is. */
  readonly onChange: () => void;
  readonly serverKeys: ServerKeyOf | undefined;
  /** Who else is told who is asked for. */
  readonly next: SleepSeam | undefined;
  readonly log: Log;
};

export class Sleepers implements Disposable {
  readonly #options: SleepersOptions;
  readonly #residences: Residences;
  readonly #waker: Waker;

  constructor(options: SleepersOptions) {
    const { current, next, log } = options;
    this.#options = options;
    const headersFor = (server: string) => this.#headersFor(server);
    const onChange = (server: string): void => this.#changed(server);
    this.#residences = new Residences({ headersFor, onChange, log });
    this.#waker = new Waker({
      find: (id) => {
        const directory = current();
        return directory && lookUp(directory, id);
      },
      load: ({ url, server }, signal) => askServer(`${url}/load`, headersFor(server), signal),
      unload: ({ url, server }, signal) => askServer(`${url}/unload`, headersFor(server), signal),
      neighbourOf: (server, demand, asked) => {
        const { residenceOf } = this;
        const directory = current();
        return directory && neighbourOf(server, { directory, demand, residenceOf, asked });
      },
      next,
    });
  }

  get seam(): SleepSeam {
    return this.#waker;
  }

  readonly residenceOf: ResidenceOf = (url) => this.#residences.of(url);

  /** The URLs of those that may sleep while they are there, each with its LocalModel. */
  follow({ models }: Directory): void {
    const servers = models.flatMap(
      ({ server, endpoints, sleepers = [], unloads, activationTimeoutSeconds }) =>
        server === undefined || unloads !== true || activationTimeoutSeconds === undefined
          ? []
          : [...endpoints, ...sleepers].map((url) => [url, server] as const),
    );
    this.#residences.follow(new Map(servers));
  }

  [Symbol.dispose](): void {
    this.#waker[Symbol.dispose]();
    this.#residences[Symbol.dispose]();
  }

  #headersFor(server: string): Readonly<Record<string, string>> {
    const key = this.#options.serverKeys?.({ server });
    return key === undefined ? {} : { [SERVER_KEY_HEADER]: key };
  }

  #changed(server: string): void {
    this.#options.onChange();
    const { models = [] } = this.#options.current() ?? {};
    for (const model of models) if (model.server === server) this.seam.changed(model.id);
  }
}
