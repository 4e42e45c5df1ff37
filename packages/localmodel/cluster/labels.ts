/**
 * Names that the operator gives what it makes, and by which everybody else finds it.
 *
 * All of them follow from the LocalModel alone, so nothing has to be looked up or remembered.
 */
import { createHash } from "node:crypto";
import { GROUP } from "../resource/localmodel.ts";

/** On every object of a LocalModel: its name. Selectors use this one and the component. */
export const MODEL_LABEL = `${GROUP}/model`;
export const COMPONENT_LABEL = "app.kubernetes.io/component";
export const MODEL_SERVER_COMPONENT = "model-server";

const PREFIX = "localmodel-";
/** What Services and label values allow. */
const NAME_MAX_LENGTH = 63;
const HASH_LENGTH = 8;

/** The name of a LocalModel's Deployment, Service and other objects. */
export function objectName(modelName: string): string {
  const name = `${PREFIX}${modelName}`;
  if (name.length <= NAME_MAX_LENGTH) return name;
  const hash = createHash("sha256").update(modelName).digest("hex").slice(0, HASH_LENGTH);
  return `${name.slice(0, NAME_MAX_LENGTH - HASH_LENGTH - 1)}-${hash}`;
}

/** What selects the pods of a LocalModel. Never changes: selectors of a Deployment cannot. */
export function selectorLabels(modelName: string): Readonly<Record<string, string>> {
  return { [MODEL_LABEL]: modelName, [COMPONENT_LABEL]: MODEL_SERVER_COMPONENT };
}
