/** Variables of a process, as sources and the cache read their settings from them. */
export type Environment = Readonly<Record<string, string | undefined>>;
