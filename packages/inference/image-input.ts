/** A picture as a client has sent it: the bytes of a file, or where one is. Nobody has looked into it yet. */

export type ImageSource =
  | { readonly type: "file"; readonly bytes: Uint8Array }
  | { readonly type: "url"; readonly url: string };

export type ImageInput = {
  readonly source: ImageSource;
  /** Of a picture that the client wants to be looked at roughly: it is made smaller until it has no more. */
  readonly maxPixels?: number;
  /** Where the client wrote it: `messages[1].content[0]`. */
  readonly field: string;
};
