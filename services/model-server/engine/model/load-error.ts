/** Failures to load that a person can do something about, apart from those nobody foresaw. */

export class DoesNotFitError extends Error {
  override readonly name = "DoesNotFitError";
}

export class NotAGgufError extends Error {
  override readonly name = "NotAGgufError";
}

export class AcceleratorMissingError extends Error {
  override readonly name = "AcceleratorMissingError";
}
