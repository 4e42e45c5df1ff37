/**
 * How much memory of this machine's GPUs models may take together. It is asked for once, when the first model comes for
 * which it matters: finding out takes processes and, on machines with many GPUs, seconds.
 */
import {
  DevicesMessage,
  type MachineDevice,
} from "@localmodel/localmodel/contracts/machine-devices.ts";
import { SERVER_HEAP } from "@localmodel/service/process/heap.ts";
import { formatBytes } from "@localmodel/weights/progress/units.ts";
import { deviceBudgetBytes } from "../desired/memory-budget.ts";
import { describeExit, ServiceProcess } from "./service-process.ts";

type DeviceBudgetOptions = {
  /** What tells of the GPUs. */
  readonly devicesModule: string;
  /** What somebody says of all of them together. */
  readonly saidBytes?: number | undefined;
  /** For people. */
  readonly onLine: (line: string) => void;
};

export class DeviceBudget {
  readonly #options: DeviceBudgetOptions;
  #asked: Promise<number> | undefined;
  #bytes = 0;

  constructor(options: DeviceBudgetOptions) {
    this.#options = options;
  }

  /** 0 until it has been asked for. */
  get bytes(): number {
    return this.#bytes;
  }

  ask(): Promise<number> {
    this.#asked ??= this.#find();
    return this.#asked;
  }

  async #find(): Promise<number> {
    const { saidBytes, onLine } = this.#options;
    const devices = await this.#devices();
    const usableBytes = deviceBudgetBytes(devices);
    // Who says how much there is of nothing means another machine.
    this.#bytes = usableBytes === 0 ? 0 : (saidBytes ?? usableBytes);
    const names = devices.filter(({ sharesMemory }) => !sharesMemory).map(({ name }) => name);
    if (this.#bytes > 0)
      onLine(`models may have ${formatBytes(this.#bytes)} of ${names.join(", ")}`);
    return this.#bytes;
  }

  async #devices(): Promise<readonly MachineDevice[]> {
    const { devicesModule, onLine } = this.#options;
    let devices: readonly MachineDevice[] | undefined;
    const asking = new ServiceProcess({
      module: devicesModule,
      heap: SERVER_HEAP,
      environment: {},
      onMessage: (message) => (devices = DevicesMessage.safeParse(message).data?.devices),
      onLine,
    });
    const exit = await asking.exited;
    if (devices === undefined)
      onLine(
        `which GPUs there are cannot be told, so their memory is not counted (${describeExit(exit)})`,
      );
    return devices ?? [];
  }
}
