/** Why a file is no picture for a model: plain data, because it crosses a process boundary. */

export type ImageProblem = {
  /** OpenAI's word for it. */
  readonly code:
    | "empty_image_file"
    | "invalid_image_format"
    | "image_parse_error"
    | "image_too_large"
    | "invalid_image_url"
    | "failed_to_download_image";
  /** A sentence without its end, about "it". */
  readonly message: string;
};

export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly problem: ImageProblem;

  constructor(problem: ImageProblem) {
    super(problem.message);
    this.problem = problem;
  }
}
