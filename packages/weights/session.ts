/**
 * What every step of one fetch shares, whichever kind of source it asks.
 */
import type { PipSession } from "./python/pip.ts";
import type { DownloadSession } from "./web/web-session.ts";

export type FetchSession = DownloadSession & PipSession;
