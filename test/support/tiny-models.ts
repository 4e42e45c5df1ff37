/**
 * Writes tiny GGUF models that llama.cpp really loads: a chat model (llama architecture, byte-level
 * BPE, ChatML) and an embedding model (BERT, WordPiece, mean pooling).
 *
 * The weights are seeded noise, so what the models say has no meaning, but it is the same on every
 * run, and everything around the weights (tokenizer, template, context, special tokens) is genuine.
 */
import { writeFile } from "node:fs/promises";
import { trainBytePairs } from "./byte-pair-encoding.ts";
import { encodeGguf, type GgufTensor, type GgufValue, metadataValue } from "./gguf.ts";
import { normalValues, seededRandom } from "./seeded-random.ts";
import { wordPieceVocabulary } from "./word-pieces.ts";

const { bool, f32, i32s, text, texts, u32 } = metadataValue;

const LAYERS = 2;
const WIDTH = 64;
const HEADS = 4;
const KEY_VALUE_HEADS = 2;
const FEED_FORWARD = 128;
const MERGES = 300;
const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4 } as const;

type TinyModelOptions = {
  /** Default 1. */
  readonly seed?: number;
  /** Context the model says it was trained for. Default 2048 (chat), 512 (embedding). */
  readonly contextLength?: number;
};

type Shape = {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly feedForward: number;
};

const TINY: Shape = { layers: LAYERS, width: WIDTH, heads: HEADS, feedForward: FEED_FORWARD };

type TinyChatModelOptions = TinyModelOptions & {
  /** Fill-in-the-middle tokens. Default true. */
  readonly infill?: boolean;
  /** Tokens that their maker calls "user-defined": llama.cpp finds them in any text. Default none. */
  readonly userDefined?: readonly string[];
  /** Control tokens beside those that every tiny model has. Default none. */
  readonly control?: readonly string[];
  /** How llama.cpp splits text into words before merging. Default "gpt-2". */
  readonly preTokenizer?: string;
  /** A Jinja template instead of ChatML, or false for none. Default ChatML. */
  readonly chatTemplate?: string | false;
  /** `qwen2vl` has positions in a plane (M-RoPE), `cohere2` a window in each of its layers. Default llama. */
  readonly architecture?: Architecture;
};

type Architecture = "llama" | "qwen2vl" | "cohere2";

/** Of the windows of `cohere2`, in tokens. */
export const WINDOW_TOKENS = 32;

const CHATML = `{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}`;

export async function writeTinyChatModel(
  path: string,
  options: TinyChatModelOptions = {},
): Promise<void> {
  const { seed = 1, contextLength = 2048, infill = true, chatTemplate = CHATML } = options;
  const { preTokenizer = "gpt-2", userDefined = [] } = options;
  const { tokens: pieces, merges } = trainBytePairs(MERGES);
  const control = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
  control.push(...(options.control ?? []));
  if (infill) control.push("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>");
  const id = (name: string): GgufValue => u32(pieces.length + control.indexOf(name));
  const vocabulary = [...pieces, ...control, ...userDefined];
  const metadata: Record<string, GgufValue> = {
    ...decoder(options.architecture, { vocabulary: vocabulary.length, contextLength }),
    "tokenizer.ggml.model": text("gpt2"),
    "tokenizer.ggml.pre": text(preTokenizer),
    "tokenizer.ggml.tokens": texts(vocabulary),
    "tokenizer.ggml.token_type": i32s([
      ...pieces.map(() => TOKEN_TYPE.normal),
      ...control.map(() => TOKEN_TYPE.control),
      ...userDefined.map(() => TOKEN_TYPE.userDefined),
    ]),
    "tokenizer.ggml.merges": texts(merges),
    "tokenizer.ggml.bos_token_id": id("<|endoftext|>"),
    "tokenizer.ggml.eos_token_id": id("<|im_end|>"),
    "tokenizer.ggml.add_bos_token": bool(false),
  };
  if (infill) {
    metadata["tokenizer.ggml.fim_pre_token_id"] = id("<|fim_prefix|>");
    metadata["tokenizer.ggml.fim_suf_token_id"] = id("<|fim_suffix|>");
    metadata["tokenizer.ggml.fim_mid_token_id"] = id("<|fim_middle|>");
  }
  if (chatTemplate !== false) metadata["tokenizer.chat_template"] = text(chatTemplate);
  const all = llamaTensors(seededRandom(seed), vocabulary.length);
  const tensors = all.filter(({ name }) => options.architecture !== "cohere2" || isCohere2(name));
  await writeFile(path, encodeGguf({ metadata, tensors }));
}

type TinyEmbeddingModelOptions = TinyModelOptions & {
  readonly shape?: Shape;
  /** With a head that gives a pair of texts a score, instead of a vector. Default false. */
  readonly ranks?: boolean;
  /** What a pair is written into, by a reranker that has a template for it. Default none. */
  readonly rerankTemplate?: string;
};

export async function writeTinyEmbeddingModel(
  path: string,
  options: TinyEmbeddingModelOptions = {},
): Promise<void> {
  const { seed = 1, contextLength = 512, shape = TINY, ranks = false } = options;
  const { special, pieces } = wordPieceVocabulary();
  const id = (name: string): GgufValue => u32(special.indexOf(name));
  const metadata: Record<string, GgufValue> = {
    ...general("bert", "Tiny Embedding"),
    "bert.context_length": u32(contextLength),
    "bert.embedding_length": u32(shape.width),
    "bert.block_count": u32(shape.layers),
    "bert.feed_forward_length": u32(shape.feedForward),
    "bert.attention.head_count": u32(shape.heads),
    "bert.attention.layer_norm_epsilon": f32(1e-12),
    "bert.attention.causal": bool(false),
    "bert.pooling_type": u32(ranks ? 4 : 1),
    ...(options.rerankTemplate !== undefined && {
      "tokenizer.chat_template.rerank": text(options.rerankTemplate),
    }),
    "tokenizer.ggml.model": text("bert"),
    "tokenizer.ggml.pre": text("default"),
    "tokenizer.ggml.token_type_count": u32(2),
    "tokenizer.ggml.tokens": texts([...special, ...pieces]),
    "tokenizer.ggml.token_type": i32s([
      ...special.map((name) => (name === "[UNK]" ? TOKEN_TYPE.unknown : TOKEN_TYPE.control)),
      ...pieces.map(() => TOKEN_TYPE.normal),
    ]),
    "tokenizer.ggml.unknown_token_id": id("[UNK]"),
    "tokenizer.ggml.padding_token_id": id("[PAD]"),
    "tokenizer.ggml.cls_token_id": id("[CLS]"),
    "tokenizer.ggml.bos_token_id": id("[CLS]"),
    "tokenizer.ggml.seperator_token_id": id("[SEP]"), // the format's own spelling
    "tokenizer.ggml.eos_token_id": id("[SEP]"),
    "tokenizer.ggml.mask_token_id": id("[MASK]"),
  };
  const vocabulary = special.length + pieces.length;
  const random = seededRandom(seed);
  const body = bertTensors(random, shape, { vocabulary, contextLength });
  const tensors = ranks ? [...body, ...rankTensors(random, shape.width)] : body;
  await writeFile(path, encodeGguf({ metadata, tensors }));
}

function decoder(
  architecture: Architecture = "llama",
  { vocabulary, contextLength }: { readonly vocabulary: number; readonly contextLength: number },
): Record<string, GgufValue> {
  return {
    ...general(architecture, "Tiny Chat"),
    [`${architecture}.vocab_size`]: u32(vocabulary),
    [`${architecture}.context_length`]: u32(contextLength),
    [`${architecture}.embedding_length`]: u32(WIDTH),
    [`${architecture}.block_count`]: u32(LAYERS),
    [`${architecture}.feed_forward_length`]: u32(FEED_FORWARD),
    [`${architecture}.attention.head_count`]: u32(HEADS),
    [`${architecture}.attention.head_count_kv`]: u32(KEY_VALUE_HEADS),
    [`${architecture}.attention.layer_norm_rms_epsilon`]: f32(1e-5),
    [`${architecture}.rope.dimension_count`]: u32(WIDTH / HEADS),
    [`${architecture}.rope.freq_base`]: f32(10_000),
    ...(architecture === "qwen2vl" && {
      // Of the time, the height and the width: together half of a head.
      "qwen2vl.rope.dimension_sections": i32s([4, 2, 2, 0]),
    }),
    ...(architecture === "cohere2" && {
      "cohere2.attention.layer_norm_epsilon": f32(1e-5),
      "cohere2.attention.sliding_window": u32(WINDOW_TOKENS),
      "cohere2.logit_scale": f32(1),
    }),
  };
}

/** It has one norm a layer, and reads tokens with the table by which it says them. */
function isCohere2(tensor: string): boolean {
  return tensor !== "output.weight" && !tensor.includes("ffn_norm");
}

function general(architecture: string, name: string): Record<string, GgufValue> {
  return {
    "general.architecture": text(architecture),
    "general.name": text(name),
    "general.file_type": u32(1), // mostly f16
    "general.quantization_version": u32(2),
  };
}

function llamaTensors(random: () => number, vocabulary: number): readonly GgufTensor[] {
  const keyValueWidth = (WIDTH / HEADS) * KEY_VALUE_HEADS;
  const layer = (index: number): readonly GgufTensor[] => [
    constant(`blk.${index}.attn_norm.weight`, 1),
    matrix(random, `blk.${index}.attn_q.weight`, [WIDTH, WIDTH]),
    matrix(random, `blk.${index}.attn_k.weight`, [WIDTH, keyValueWidth]),
    matrix(random, `blk.${index}.attn_v.weight`, [WIDTH, keyValueWidth]),
    matrix(random, `blk.${index}.attn_output.weight`, [WIDTH, WIDTH]),
    constant(`blk.${index}.ffn_norm.weight`, 1),
    matrix(random, `blk.${index}.ffn_gate.weight`, [WIDTH, FEED_FORWARD]),
    matrix(random, `blk.${index}.ffn_up.weight`, [WIDTH, FEED_FORWARD]),
    matrix(random, `blk.${index}.ffn_down.weight`, [FEED_FORWARD, WIDTH]),
  ];
  return [
    matrix(random, "token_embd.weight", [WIDTH, vocabulary]),
    constant("output_norm.weight", 1),
    matrix(random, "output.weight", [WIDTH, vocabulary]),
    ...Array.from({ length: LAYERS }, (_, index) => layer(index)).flat(),
  ];
}

function bertTensors(
  random: () => number,
  { layers, width, feedForward }: Shape,
  { vocabulary, contextLength }: { readonly vocabulary: number; readonly contextLength: number },
): readonly GgufTensor[] {
  const linear = (name: string, from: number, to: number): readonly GgufTensor[] => [
    matrix(random, `${name}.weight`, [from, to]),
    constant(`${name}.bias`, 0, to),
  ];
  const layer = (index: number): readonly GgufTensor[] => [
    ...linear(`blk.${index}.attn_q`, width, width),
    ...linear(`blk.${index}.attn_k`, width, width),
    ...linear(`blk.${index}.attn_v`, width, width),
    ...linear(`blk.${index}.attn_output`, width, width),
    ...norm(`blk.${index}.attn_output_norm`, width),
    ...linear(`blk.${index}.ffn_up`, width, feedForward),
    ...linear(`blk.${index}.ffn_down`, feedForward, width),
    ...norm(`blk.${index}.layer_output_norm`, width),
  ];
  return [
    matrix(random, "token_embd.weight", [width, vocabulary]),
    { ...matrix(random, "token_types.weight", [width, 2]), type: "f32" },
    { ...matrix(random, "position_embd.weight", [width, contextLength]), type: "f32" },
    ...norm("token_embd_norm", width),
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
  ];
}

/** A pooled row in, one score out. */
function rankTensors(random: () => number, width: number): readonly GgufTensor[] {
  return [
    matrix(random, "cls.weight", [width, width]),
    constant("cls.bias", 0, width),
    matrix(random, "cls.output.weight", [width, 1]),
    constant("cls.output.bias", 0.5, 1),
  ];
}

function norm(name: string, width: number): readonly GgufTensor[] {
  return [constant(`${name}.weight`, 1, width), constant(`${name}.bias`, 0, width)];
}

/**
 * Noise strong enough that greedy decoding has clear winners: with unit input, outputs (and so the
 * logits) have a standard deviation of about 2.
 */
function matrix(
  random: () => number,
  name: string,
  dimensions: readonly [from: number, to: number],
): GgufTensor {
  const [from, to] = dimensions;
  const values = normalValues(random, from * to, 2 / Math.sqrt(from));
  return { name, dimensions, type: "f16", values };
}

function constant(name: string, value: number, length: number = WIDTH): GgufTensor {
  return { name, dimensions: [length], type: "f32", values: new Float32Array(length).fill(value) };
}
