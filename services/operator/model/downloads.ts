/** Downloads of other models, as far as they have to be waited for. */
export type Downloads = {
  readonly maxPerHost: number;
  readonly othersFrom: (host: string) => number;
};
