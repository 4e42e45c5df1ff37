/** An API server, and the credentials for it: what every way to find a cluster ends with. */

export type TlsMaterial = {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly passphrase?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
};

export type Credentials = {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
};

export type ClusterAccess = {
  /** URL of the API server; may have a path. */
  readonly server: string;
  /** The namespace of the context, or of the pod. */
  readonly namespace?: string;
  readonly proxyUrl?: string;
  /**
   * What to log in with now. `afterRefusal`: the server did not take what it was given last, so nothing
   * that was kept may be used again.
   */
  credentials(afterRefusal: boolean): Promise<Credentials>;
};
