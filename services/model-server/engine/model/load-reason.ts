/**
 * Why llama.cpp refused weights, from the lines it wrote: it answers its callers with nothing but a failure, and says the
 * reason to its log alone.
 */

/** What llama.cpp says, and what a person can do about it; tried in this order. */
const KNOWN: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [
    /unknown model architecture: '(?:clip|mmproj)|CLIP cannot be used as main model/i,
    "This is an image projector (mmproj), which is no model by itself: name the file of the language model that it belongs to.",
  ],
  [
    /unknown model architecture/i,
    "This version of LocalModel does not know the architecture: use a later version, or another model.",
  ],
  [
    /unknown pre-tokenizer type/i,
    "This version of LocalModel does not know how the model splits text: use a later version, or another conversion of the model.",
  ],
  [
    /missing tensor|wrong number of tensors|has wrong shape|tensor .* not found/i,
    "The weights are incomplete, or were converted by a version of llama.cpp that does not match: download them again, or use another conversion.",
  ],
  [
    /not within the file bounds|corrupted or incomplete|unexpectedly reached end of file|invalid split/i,
    "The file is incomplete or damaged: download it again.",
  ],
  [
    /key not found in model: tokenizer\.|cannot find tokenizer|error loading model vocabulary|no vocab|unknown tokenizer/i,
    "The file has no tokenizer that llama.cpp can use, so no text can be given to it: use another conversion of the model.",
  ],
  [
    /key not found in model|error loading model hyperparameters|invalid value for/i,
    "The file lacks what its architecture needs, or contradicts itself: use another conversion of the model.",
  ],
];

/** A line that says nothing but that it failed. */
const HOLLOW =
  /^(?:\w+: )?(?:failed to load model|llama_model_load_from_file_impl: .*|exception)\b.*$/i;
const SEVERE =
  /GGML_ASSERT|GGML_ABORT|error|failed|fatal|terminate called|what\(\)|cannot|unknown|missing|out of memory/i;
const REASON_MAX_CHARACTERS = 500;

/** llama.cpp's own reason, as short as it says it; undefined where it has said none. */
export function reasonIn(lines: readonly string[]): string | undefined {
  const said = lines
    .flatMap((line) => line.split("\n"))
    .map((line) => line.trim())
    .filter((line) => SEVERE.test(line) && !HOLLOW.test(line));
  const stated = said.findLast((line) => /error loading model|GGML_ASSERT/i.test(line));
  const reason = (stated ?? said.at(-1))
    ?.replace(/^(?:\w+: )?error loading model: |^\w+_\w+: /i, "")
    // Where the source lay when it was compiled says nothing.
    .replace(/^\S*\/(?=[\w-]+\.\w+:\d+: )/, "");
  return reason?.slice(0, REASON_MAX_CHARACTERS);
}

/** What is guessed where nobody knows. */
const GUESS = /: Failed to load model(?=\.)|\. The file may be .*$/g;

/** What happened, with llama.cpp's reason and what to do where it is known. */
export function explained(what: string, lines: readonly string[]): string {
  const reason = reasonIn(lines);
  if (reason === undefined) return what;
  const advice = KNOWN.find(([pattern]) => pattern.test(reason))?.[1];
  const happened = what.replaceAll(GUESS, "").replace(/\.$/, "");
  const said = happened.includes(reason) ? happened : `${happened}. llama.cpp says: ${reason}`;
  return advice === undefined ? said : `${said}. ${advice}`;
}
