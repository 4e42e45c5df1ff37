/** Addresses in native memory. Null is a type of its own, so that whoever holds a pointer holds one to something. */

/** Typed by what it points at, so that a context cannot be passed where a model is wanted. */
export type Pointer<Name extends string> = bigint & { readonly pointsAt: Name };

/** What a C function may read or write: an address, or an array whose memory it is. */
export type Memory =
  | bigint
  | Uint8Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | null;
