/** Why a file is no picture or sound for a model: plain data, because it crosses a process boundary. */

export type FileProblem = {
  /** OpenAI's word for it. */
  readonly code:
    | "empty_image_file"
    | "invalid_image_format"
    | "image_parse_error"
    | "image_too_large"
    | "invalid_image_url"
    | "failed_to_download_image"
    | "empty_audio_file"
    | "invalid_audio_format"
    | "audio_parse_error"
    | "audio_too_short"
    | "audio_too_large";
  /** A sentence without its end, about "it". */
  readonly message: string;
};

export class FileError extends Error {
  override readonly name = "FileError";
  readonly problem: FileProblem;

  constructor(problem: FileProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** What decodes is not there, or was ended by somebody else: no file is to blame, and another try may do. */
export class DecoderError extends Error {
  override readonly name = "DecoderError";
}
