/**
 * What the header of a GGUF says that has to be known before its pods are made: how much memory they need, and what they
 * will be able to do.
 *
 * The `inspect` pod writes it as its termination message when it succeeds; the operator keeps it in the
 * status of the LocalModel.
 */
import { z } from "zod";

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

export const Inspection = z.object({
  architecture: z.string().max(128),
  /** Elements of all tensors. */
  parameters: count,
  /** As `general.file_type` names it, such as "Q4_K_M"; "unknown" where it says nothing. */
  quantization: z.string().max(64),
  /** Of all parts of the weights. */
  sizeBytes: count,
  /** Of projector, draft model and adapters together. */
  furtherBytes: count,
  /** What the projector takes to look at a picture; absent without one, and where its header does not tell. */
  encoderBytes: count.exactOptional(),
  /** Of a row that a picture becomes; absent without a projector, and where it is as many as an embedding has. */
  rowDimensions: count.exactOptional(),
  /** Elements of keys and values for one token of the draft model; absent without one. */
  draftElements: count.exactOptional(),
  trainContextTokens: count,
  vocabularyTokens: count,
  embeddingDimensions: count,
  layers: count,
  /** What requests it can answer, as far as headers tell: whether its chat template can be used is known in a pod. */
  capabilities: z.array(z.string().min(1).max(64)).max(32).exactOptional(),
  /** Elements of keys and values for one token in all layers; absent where no plain formula holds. */
  keyValueElements: count.exactOptional(),
  /** Of these, those of keys. */
  keyElements: count.exactOptional(),
});
export type Inspection = z.infer<typeof Inspection>;

const INSPECTED = "Inspected";
const InspectionMessage = z.object({ reason: z.literal(INSPECTED), inspection: Inspection });

/** The termination message of a successful inspection; failures are told as termination.ts says. */
export function inspectionMessage(inspection: Inspection): string {
  return JSON.stringify({ reason: INSPECTED, inspection });
}

export function parseInspection(text: string | undefined): Inspection | undefined {
  try {
    return InspectionMessage.parse(JSON.parse(text ?? "")).inspection;
  } catch {
    return undefined;
  }
}
