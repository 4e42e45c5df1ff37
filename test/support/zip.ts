/** Writes zip archives, with sizes in the 32-bit fields or in zip64 extras: wheels for tests. */
import { crc32, deflateRawSync } from "node:zlib";

export type ZipOptions = {
  readonly stored?: boolean;
  readonly zip64?: boolean;
  readonly encrypted?: boolean;
  readonly comment?: string;
};

/** In a 32-bit field: look into the zip64 extra. */
const WIDE = 0xffffffff;

export function encodeZip(
  files: Readonly<Record<string, Buffer>>,
  options: ZipOptions = {},
): Buffer {
  const { comment = "", zip64 = false } = options;
  const members: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const [name, body] of Object.entries(files)) {
    const { member, entry } = encodeMember({ name, body, offset }, options);
    members.push(member);
    entries.push(entry);
    offset += member.length;
  }
  const directory = Buffer.concat(entries);
  const where = { offset, length: directory.length, count: entries.length };
  const end = zip64
    ? Buffer.concat([
        zip64End(where),
        endRecord({ offset: WIDE, length: WIDE, count: 0xffff }, comment),
      ])
    : endRecord(where, comment);
  return Buffer.concat([...members, directory, end, Buffer.from(comment)]);
}

type Member = { readonly name: string; readonly body: Buffer; readonly offset: number };

function encodeMember({ name, body, offset }: Member, options: ZipOptions) {
  const { stored = false, zip64 = false, encrypted = false } = options;
  const data = stored ? body : deflateRawSync(body);
  const sizes = zip64 ? [WIDE, WIDE] : [data.length, body.length];
  const method = stored ? 0 : 8;
  const nameLength = Buffer.byteLength(name);
  const common = pack("HHIIIIH", encrypted ? 1 : 0, method, 0, crc32(body), ...sizes, nameLength);
  // A reader must step over the local header's extra, which is not that of the directory.
  const localExtra = pack("HHBI", 0x5455, 5, 0, 0);
  const extra = zip64 ? pack("HHQQQ", 1, 24, body.length, data.length, offset) : Buffer.alloc(0);
  const tail = pack("HHHHII", extra.length, 0, 0, 0, 0, zip64 ? WIDE : offset);
  const local = [pack("IH", 0x04034b50, 45), common, pack("H", localExtra.length)];
  return {
    member: Buffer.concat([...local, Buffer.from(name), localExtra, data]),
    entry: Buffer.concat([pack("IHH", 0x02014b50, 45, 45), common, tail, Buffer.from(name), extra]),
  };
}

type Directory = { readonly offset: number; readonly length: number; readonly count: number };

function endRecord({ offset, length, count }: Directory, comment: string): Buffer {
  return pack("IIHHIIH", 0x06054b50, 0, count, count, length, offset, comment.length);
}

function zip64End({ offset, length, count }: Directory): Buffer {
  const end = pack("IQHHIIQQQQ", 0x06064b50, 44, 45, 45, 0, 0, count, count, length, offset);
  return Buffer.concat([end, pack("IIQI", 0x07064b50, 0, offset + length, 1)]);
}

const BYTES: Readonly<Record<string, number>> = { B: 1, H: 2, I: 4, Q: 8 };

/** Little-endian unsigned integers, one letter each for its width. */
function pack(format: string, ...values: readonly number[]): Buffer {
  return Buffer.concat(
    values.map((value, index) => {
      const field = Buffer.alloc(8);
      field.writeBigUInt64LE(BigInt(value));
      return field.subarray(0, BYTES[format[index] ?? "Q"]);
    }),
  );
}
