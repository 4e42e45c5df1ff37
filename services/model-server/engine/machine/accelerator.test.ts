import assert from "node:assert/strict";
import { test } from "node:test";
import {
  deviceTooSmall,
  driverVersionIn,
  isHeldByOthers,
  missingDevice,
  nvidiaDriverVersion,
  wouldFitAlone,
} from "./accelerator.ts";

const GIB = 2 ** 30;

test("a driver that CUDA calls insufficient is too old, and told with its version", () => {
  const said =
    "failed to initialize CUDA: CUDA driver version is insufficient for CUDA runtime version";
  const problem = missingDevice(["something else", said], "535.183.01");
  assert.equal(problem.reason, "DriverTooOld");
  assert.equal(
    problem.message,
    `The driver 535.183.01 of the node is older than the image needs: ${said}`,
  );
});

test("kernels that the driver cannot compile are a driver that is too old", () => {
  const said = "CUDA error: the provided PTX was compiled with an unsupported toolchain.";
  assert.equal(missingDevice([said], undefined).reason, "DriverTooOld");
});

test("without a driver's library the device is missing, whatever else was said", () => {
  const problem = missingDevice(
    ["libcuda.so.1: cannot open shared object file", "libvulkan: nothing"],
    undefined,
  );
  assert.equal(problem.reason, "AcceleratorMissing");
  assert.match(problem.message, /finds none that it can use: libcuda\.so\.1: cannot open/);
  assert.match(missingDevice([], undefined).message, /finds none that it can use$/);
});

test("without a device of AMD it is said in ROCm's words, whatever was said after it", () => {
  const said = "failed to initialize ROCm: no ROCm-capable device is detected";
  const problem = missingDevice([said, "something else"], undefined);
  assert.equal(problem.reason, "AcceleratorMissing");
  assert.match(
    problem.message,
    /finds none that it can use: failed to initialize ROCm: no ROCm-capable/,
  );
});

test("a device that takes some of the layers is too small, and told with numbers", () => {
  const device = { name: "NVIDIA T4", memoryBytes: 15 * GIB, freeBytes: 14.5 * GIB };
  const plan = { layers: 20, ofLayers: 33, neededBytes: 20 * GIB };
  const problem = deviceTooSmall(plan, [device]);
  assert.equal(problem?.reason, "VramTooSmall");
  assert.equal(
    problem?.message,
    "The weights and contexts need about 20.0 GiB of the devices' memory, and 14.5 GiB are free on " +
      "NVIDIA T4 (15.0 GiB): 20 of 33 layers would fit",
  );
  assert.equal(deviceTooSmall({ ...plan, layers: 10_000 }, [device]), undefined);
});

test("others hold a device where more of it is taken than a driver and one process take by themselves", () => {
  const device = { name: "NVIDIA T4", memoryBytes: 15 * GIB };
  assert.equal(isHeldByOthers([device]), false);
  assert.equal(isHeldByOthers([{ ...device, freeBytes: 14.4 * GIB }]), false);
  assert.equal(isHeldByOthers([device, { ...device, freeBytes: 9 * GIB }]), true);
  assert.equal(wouldFitAlone(14 * GIB, [device]), true);
  assert.equal(wouldFitAlone(16 * GIB, [device]), false);
});

test("the driver's version is that of its kernel module, for both of NVIDIA's modules", () => {
  const versions = [
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024",
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build",
  ].map(driverVersionIn);
  assert.deepEqual(versions, ["535.183.01", "580.65.06"]);
  assert.equal(driverVersionIn("GCC version: 12.2.0"), undefined);
  assert.equal(nvidiaDriverVersion("/nowhere/version"), undefined);
});
