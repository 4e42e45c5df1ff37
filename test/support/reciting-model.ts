/**
 * Writes a model that says what a test has written: a real one to llama.cpp and to the product, so that templates, tools,
 * grammars and streams are the real ones, too, for programs that ask for no tool but only take the calls that come.
 *
 * Attention and the rest of its one layer are zeros, so what it says next depends on its last token alone. Every piece of a
 * text is a token that is nowhere else, and leads to the one behind it, with a margin that no rounding changes. What it
 * begins is decided by its chat template, which sees the conversation: it ends with the token of a cue.
 *
 * Behind every other token it would end; where it may not, being held to the form of a call, it says the rest of its call.
 */
import { writeFile } from "node:fs/promises";
import { spellBytes, trainBytePairs } from "./byte-pair-encoding.ts";
import { encodeGguf, type GgufTensor, type GgufValue, metadataValue } from "./gguf.ts";

const { bool, f32, i32s, text, texts, u32 } = metadataValue;

const WIDTH = 256;
const HEAD = 16;
const FEED_FORWARD = 32;
const MERGES = 300;
const PIECE_CHARACTERS = 6;
/** Of what follows, against what is said otherwise: more than that has texts. */
const CERTAINTY = 100;
const TOKEN_TYPE = { normal: 1, control: 3 } as const;
const END = "<|im_end|>";

export type RecitedCall = {
  readonly name: string;
  readonly arguments: Readonly<Record<string, string>>;
};

type Recital<Cue extends string> = {
  /** What it says, by cue. */
  readonly texts: Readonly<Record<Cue, string>>;
  /** What it calls, once a text has brought it to `<tool_call>`. Default nothing. */
  readonly call?: RecitedCall;
  /** A Jinja expression that gives the cue, from `messages` and `tools`. */
  readonly cue: string;
  readonly contextLength: number;
};

/** ChatML with the tools as Hermes has them. */
const template = (cue: string): string => `{%- if tools -%}
{{ '<|im_start|>system\\nCall with <tool_call>: ' + (tools | tojson) + '<|im_end|>\\n' }}
{%- endif -%}
{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\\n' + (message.content or '') }}
{%- for call in message.tool_calls or [] -%}
{{ '<tool_call>\\n' + (call.function | tojson) + '\\n</tool_call>' }}
{%- endfor -%}
{{ '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n<|' + (${cue}) + '|>' }}{%- endif -%}`;

export async function writeRecitingModel<Cue extends string>(
  path: string,
  { texts: said, call, cue, contextLength }: Recital<Cue>,
): Promise<void> {
  const { tokens: pairs, merges } = trainBytePairs(MERGES);
  const taken = new Set(pairs);
  const chains = Object.entries<string>(said).map(([name, words]) => ({
    cue: `<|${name}|>`,
    pieces: piecesOf(words, taken),
  }));
  const pieces = chains.flatMap((chain) => chain.pieces);
  const control = ["<|endoftext|>", "<|im_start|>", END, ...chains.map((chain) => chain.cue)];
  const rests = (call === undefined ? [] : restsOf(call))
    .map(spellBytes)
    .filter((rest) => !taken.has(rest));
  const vocabulary = [...pairs, ...pieces, ...rests, ...control];
  const tokenOf = new Map(vocabulary.map((token, index) => [token, index]));
  const metadata: Record<string, GgufValue> = {
    ...decoder(vocabulary.length, contextLength),
    "tokenizer.ggml.model": text("gpt2"),
    "tokenizer.ggml.pre": text("gpt-2"),
    "tokenizer.ggml.tokens": texts(vocabulary),
    "tokenizer.ggml.token_type": i32s(
      vocabulary.map((token) => (control.includes(token) ? TOKEN_TYPE.control : TOKEN_TYPE.normal)),
    ),
    "tokenizer.ggml.merges": texts(merges),
    "tokenizer.ggml.bos_token_id": u32(tokenOf.get("<|endoftext|>") ?? 0),
    "tokenizer.ggml.eos_token_id": u32(tokenOf.get(END) ?? 0),
    "tokenizer.ggml.add_bos_token": bool(false),
    "tokenizer.chat_template": text(template(cue)),
  };
  const steps = chains.flatMap((chain) => {
    const tokens = [chain.cue, ...chain.pieces, END].map((token) => tokenOf.get(token) ?? 0);
    return tokens.slice(1).map((next, index) => [tokens[index] ?? 0, next] as const);
  });
  if (steps.length >= WIDTH) throw new Error(`${steps.length} pieces are more than fit ${WIDTH}`);
  const otherwise = [END, ...rests].map((token) => tokenOf.get(token) ?? 0);
  const weights = tensors(vocabulary.length, steps, otherwise);
  await writeFile(path, encodeGguf({ metadata, tensors: weights }));
}

/** The call from wherever the server stops writing it by itself, the longest first: a shorter one might do in a text, too. */
function restsOf(call: RecitedCall): readonly string[] {
  const given = Object.entries(call.arguments).map(
    ([name, value]) => `"${name}": ${JSON.stringify(value)}`,
  );
  const written = `{"name": "${call.name}", "arguments": {${given.join(", ")}}}`;
  return Array.from({ length: written.length - 2 }, (_, start) => written.slice(start));
}

/** Pieces that are no other tokens, as the vocabulary spells them. */
function piecesOf(words: string, taken: Set<string>): readonly string[] {
  const spelled = spellBytes(words);
  const pieces: string[] = [];
  for (let start = 0, end = 0; start < spelled.length; start = end) {
    end = start + PIECE_CHARACTERS;
    while (end < spelled.length && taken.has(spelled.slice(start, end))) end++;
    if (spelled.length - end < PIECE_CHARACTERS) end = spelled.length;
    const piece = spelled.slice(start, end);
    if (taken.has(piece)) throw new Error(`"${piece}" is said twice`);
    taken.add(piece);
    pieces.push(piece);
  }
  return pieces;
}

function decoder(vocabulary: number, contextLength: number): Record<string, GgufValue> {
  return {
    "general.architecture": text("llama"),
    "general.name": text("Reciting"),
    "general.file_type": u32(1),
    "general.quantization_version": u32(2),
    "llama.vocab_size": u32(vocabulary),
    "llama.context_length": u32(contextLength),
    "llama.embedding_length": u32(WIDTH),
    "llama.block_count": u32(1),
    "llama.feed_forward_length": u32(FEED_FORWARD),
    "llama.attention.head_count": u32(1),
    "llama.attention.head_count_kv": u32(1),
    "llama.attention.key_length": u32(HEAD),
    "llama.attention.value_length": u32(HEAD),
    "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
    "llama.rope.dimension_count": u32(HEAD),
    "llama.rope.freq_base": f32(10_000),
  };
}

/**
 * Each step has a dimension of its own: the token before it is that dimension, and the one behind it is read from there. The
 * last dimension is every token's, for what is said otherwise, the first of it rather than the others.
 */
function tensors(
  vocabulary: number,
  steps: readonly (readonly [from: number, to: number])[],
  otherwise: readonly number[],
): readonly GgufTensor[] {
  const embeddings = new Float32Array(vocabulary * WIDTH);
  const output = new Float32Array(vocabulary * WIDTH);
  for (let token = 0; token < vocabulary; token++) embeddings[token * WIDTH + WIDTH - 1] = 1;
  for (const [rank, token] of otherwise.entries()) {
    output[token * WIDTH + WIDTH - 1] = otherwise.length - rank;
  }
  for (const [dimension, [from, to]] of steps.entries()) {
    embeddings[from * WIDTH + dimension] = 1;
    output[to * WIDTH + dimension] = CERTAINTY;
  }
  return [
    { name: "token_embd.weight", dimensions: [WIDTH, vocabulary], type: "f16", values: embeddings },
    norm("output_norm.weight"),
    { name: "output.weight", dimensions: [WIDTH, vocabulary], type: "f16", values: output },
    norm("blk.0.attn_norm.weight"),
    zeros("blk.0.attn_q.weight", [WIDTH, HEAD]),
    zeros("blk.0.attn_k.weight", [WIDTH, HEAD]),
    zeros("blk.0.attn_v.weight", [WIDTH, HEAD]),
    zeros("blk.0.attn_output.weight", [HEAD, WIDTH]),
    norm("blk.0.ffn_norm.weight"),
    zeros("blk.0.ffn_gate.weight", [WIDTH, FEED_FORWARD]),
    zeros("blk.0.ffn_up.weight", [WIDTH, FEED_FORWARD]),
    zeros("blk.0.ffn_down.weight", [FEED_FORWARD, WIDTH]),
  ];
}

function zeros(name: string, dimensions: readonly [from: number, to: number]): GgufTensor {
  const values = new Float32Array(dimensions[0] * dimensions[1]);
  return { name, dimensions, type: "f16", values };
}

function norm(name: string): GgufTensor {
  return { name, dimensions: [WIDTH], type: "f32", values: new Float32Array(WIDTH).fill(1) };
}
