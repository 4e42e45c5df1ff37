/** One attack, in a thread that is ended when it has been watched for long enough. */
import { workerData } from "node:worker_threads";
import { attacksOn, type Target } from "./attacks.ts";

const { name, model, url, headers } = workerData as Target & {
  readonly name: string;
  readonly model: string;
};
const attack = attacksOn(model).find((one) => one.name === name);
await attack?.run({ url, headers }, new AbortController().signal);
