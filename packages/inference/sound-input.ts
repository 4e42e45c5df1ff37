/** A sound as a client has sent it: the bytes of a file. Nobody has listened to it yet. */

export type SoundInput = {
  readonly bytes: Uint8Array;
  /** Where the client wrote it: `messages[1].content[0]`. */
  readonly field: string;
};
