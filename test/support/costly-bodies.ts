/**
 * Bodies that are small to send and large to look at, by what they are made of: what tests and the benchmark of attacks
 * send. Each is within the bytes that a request may have.
 */
import { gzipSync } from "node:zlib";

export type CostlyBody = {
  readonly name: string;
  /** The part of the message by which it is refused; absent for one that is accepted. */
  readonly refusedAs?: RegExp;
  readonly text: () => string;
};

const repeated = (text: string, times: number): string => text.repeat(times);
const numbered = (count: number): string =>
  Array.from({ length: count }, (_, index) => `"${index}":1`).join(",");

export const COSTLY_BODIES: readonly CostlyBody[] = [
  {
    name: "3.1 million times the field model",
    refusedAs: /more than 256 fields at the top/,
    text: () => `{${repeated('"model":1,', 3_100_000)}"model":"m"}`,
  },
  {
    name: "190,000 unknown fields",
    refusedAs: /more than 256 fields at the top/,
    text: () => `{"model":"m",${numbered(190_000)}}`,
  },
  {
    name: "190,000 biases",
    refusedAs: /more than 10000 fields in one object/,
    text: () => `{"model":"m","messages":[],"logit_bias":{${numbered(190_000)}}}`,
  },
  {
    name: "15 million numbers",
    refusedAs: /more than 1000000 values/,
    text: () => `{"model":"m","prompt":[${repeated("1,", 15_000_000)}1]}`,
  },
  {
    name: "a million objects",
    refusedAs: /more than 200000 objects and arrays/,
    text: () => `{"model":"m","messages":[${repeated("{},", 1_000_000)}{}]}`,
  },
  {
    name: "a million levels",
    refusedAs: /nested deeper than 64 levels/,
    text: () => `{"model":"m","messages":${repeated("[", 1_000_000)}${repeated("]", 1_000_000)}}`,
  },
  {
    name: "16 million escaped quotes",
    text: () => `{"model":"m","user":"${repeated('\\"', 16_000_000)}"}`,
  },
  {
    name: "32 million backslashes",
    text: () => `{"model":"m","user":"${repeated("\\\\", 16_000_000)}"}`,
  },
  {
    name: "a model's name of 30 MB",
    refusedAs: /Invalid 'model'/,
    text: () => `{"model":"${repeated("m", 30_000_000)}"}`,
  },
  {
    name: "what is no JSON at its very end",
    refusedAs: /not valid JSON/,
    text: () => `{"model":"m","prompt":[${repeated("1,", 900_000)}1],}`,
  },
];

export function packed({ text }: CostlyBody): Buffer {
  return gzipSync(text());
}
