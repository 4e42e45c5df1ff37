/**
 * What becomes of a file that cannot be used: a refusal that names the field it came in. Where what decodes has failed, the
 * client is told to try again.
 */
import { invalidRequest } from "@localmodel/inference/refusals.ts";
import { decoderFailed } from "@localmodel/inference/unavailability.ts";
import { DecoderError, FileError } from "./problem.ts";

export async function blaming<Result>(
  what: "image" | "audio",
  field: string,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof DecoderError) throw decoderFailed(what, error.message, { cause: error });
    if (!(error instanceof FileError)) throw error;
    const { code, message } = error.problem;
    throw invalidRequest(field, `Invalid ${what} in '${field}': ${message}.`, code);
  }
}
