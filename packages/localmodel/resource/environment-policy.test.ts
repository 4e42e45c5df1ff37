import assert from "node:assert/strict";
import { test } from "node:test";
import { environmentProblems, EnvironmentPolicy } from "./environment-policy.ts";

const HOW = { variables: "do this", secrets: "do that", configMaps: "do it" };
const policy = (more: object = {}) => EnvironmentPolicy.parse(more);
const messages = (env: Parameters<typeof environmentProblems>[0], more: object = {}) =>
  environmentProblems(env, policy(more), HOW).map(({ path, message }) => [path.join("."), message]);
const isAllowed = (name: string, more: object = {}) => messages([{ name }], more).length === 0;

const TUNING = `
  GGML_CUDA_FORCE_MMQ GGML_VK_VISIBLE_DEVICES LLAMA_LOG CUDA_VISIBLE_DEVICES
  CUDA_LAUNCH_BLOCKING HIP_VISIBLE_DEVICES OMP_NUM_THREADS OMP_WAIT_POLICY https_proxy
  NO_PROXY OTEL_SERVICE_NAME HSA_OVERRIDE_GFX_VERSION LOG_LEVEL
`
  .trim()
  .split(/\s+/);
const CODE = `
  NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS LD_PRELOAD LD_LIBRARY_PATH
  DYLD_INSERT_LIBRARIES GLIBC_TUNABLES PATH HOME BASH_ENV OPENSSL_CONF
  GGML_BACKEND_PATH GGML_METAL_PATH_RESOURCES CUDA_INJECTION64_PATH HIP_PATH
  CUDA_INJECTION32_PATH OMP_TOOL_LIBRARIES OMP_TOOL CUDA_MPS_PIPE_DIRECTORY
  VK_LAYER_PATH VK_ICD_FILENAMES HSA_TOOLS_LIB NVIDIA_VISIBLE_DEVICES
  MODEL_SERVER_CONFIG LOCALMODEL_TERMINATION_LOG FETCH_CONFIG NODE_CHANNEL_FD
  OTEL_EXPORTER_OTLP_ENDPOINT OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT
  XGGML_A ggml_a GGML HTTP_PROXY_
`
  .trim()
  .split(/\s+/)
  .concat("A\nGGML_B", "GGML_A\nB");

for (const name of TUNING) {
  test(`a LocalModel may set ${name}`, () => assert.ok(isAllowed(name)));
}
for (const name of CODE) {
  test(`a LocalModel may not set ${JSON.stringify(name)} unless its platform allows it`, () => {
    assert.ok(!isAllowed(name));
    assert.ok(isAllowed(name, { variables: ["*"] }) || name.includes("\n"));
  });
}

test("a platform allows names, and patterns of them, and no others by that", () => {
  const variables = ["NODE_OPTIONS", "HSA_*", "my.name"];
  for (const name of ["NODE_OPTIONS", "HSA_TOOLS_LIB", "my.name", "GGML_A"])
    assert.ok(isAllowed(name, { variables }), name);
  for (const name of ["NODE_OPTION", "NODE_OPTIONS2", "XHSA_A", "myxname"])
    assert.ok(!isAllowed(name, { variables }), name);
});

test("a refusal names the variable, what is allowed, and what to do", () => {
  const [[path, message = ""] = []] = messages([{ name: "GGML_A" }, { name: "LD_PRELOAD" }]);
  assert.equal(path, "1.name");
  assert.match(message, /^LD_PRELOAD may not be set by a LocalModel, which may set GGML_\*, /);
  assert.match(message, /none of these that names a file; to allow it, do this$/);
});

test("Secrets and ConfigMaps are read only where the platform names them, fields of the pod always", () => {
  const secret = { secretKeyRef: { name: "proxy-login", key: "url" } };
  const configMap = { configMapKeyRef: { name: "proxy", key: "url" } };
  const field = { fieldRef: { fieldPath: "status.podIP" } };
  const env = [secret, configMap, field].map((valueFrom, index) => ({
    name: `GGML_${index}`,
    valueFrom,
  }));
  assert.deepEqual(messages(env), [
    [
      "0.valueFrom.secretKeyRef",
      "the Secret proxy-login may not be read by spec.env, which may refer to no Secret; to allow it, do that",
    ],
    [
      "1.valueFrom.configMapKeyRef",
      "the ConfigMap proxy may not be read by spec.env, which may refer to no ConfigMap; to allow it, do it",
    ],
  ]);
  assert.deepEqual(messages(env, { secrets: ["proxy-*"], configMaps: ["proxy"] }), []);
  assert.equal(messages(env, { secrets: ["proxy"], configMaps: ["proxy"] }).length, 1);
});
