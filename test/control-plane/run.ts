/**
 * `npm run test:control-plane [-- FILE…]`: builds Kubernetes' control plane and Helm from Go modules and runs every
 * *.control-plane.ts, each with an API server of its own, and packages/kube's questions to one.
 *
 * No Docker, no node, no pod that runs: whatever is decided between the product and an API server is asked here.
 */
import { buildBinaries, CONTROL_PLANE, controlPlaneFolder } from "../build/binaries.ts";
import { ControlPlane, KUBE_BIN_VARIABLE } from "../support/control-plane.ts";
import { HELM_VARIABLE } from "../support/helm.ts";
import { runTests, testFiles } from "../support/run-tests.ts";

const QUESTIONS = "packages/kube/fixtures/api-server.ts";
const TIMEOUT_MS = 900_000;

const report = (line: string): void => console.error(`${new Date().toISOString()} ${line}`);

const binaries = await buildBinaries(CONTROL_PLANE, report);
process.env[KUBE_BIN_VARIABLE] = await controlPlaneFolder(binaries);
await using plane = await ControlPlane.start({ controllers: true });

process.exitCode = await runTests({
  files: await filesToRun(),
  timeoutMs: TIMEOUT_MS,
  // They wait for each other's processes more than they compute.
  concurrency: 2,
  env: {
    [HELM_VARIABLE]: binaries.paths.get("helm") ?? "helm",
    LOCALMODEL_TEST_KUBECONFIG: plane.kubeconfig,
  },
});

async function filesToRun(): Promise<readonly string[]> {
  const files = await testFiles(import.meta.dirname, "*.control-plane.ts");
  return process.argv.length > 2 ? files : [...files, QUESTIONS];
}
