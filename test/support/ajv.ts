/** For tests: ajv, an implementation of JSON Schema that shares nothing with ours. */
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";

export const ajv = new Ajv2020({
  strict: false,
  validateSchema: false,
  addUsedSchema: false,
  multipleOfPrecision: 9,
  logger: false,
  code: { optimize: false },
});
// Its types describe its CommonJS form.
(formats as unknown as { default: (ajv: Ajv2020) => void }).default(ajv);
