/**
 * What stands between a client and a model server: our API service, nginx, LiteLLM's proxy, or as little as Node can
 * do, each as one process whose cost can be read from the system.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  API_CONFIG_VARIABLE,
  type ApiConfigInput,
} from "@localmodel/localmodel/contracts/api-config.ts";
import type { ApiMessage, DirectoryMessage } from "@localmodel/localmodel/contracts/directory.ts";
import { API_HEAP } from "@localmodel/service/process/heap.ts";
import { freePort } from "../../test/support/free-ports.ts";
import { TemporaryFolder } from "../../test/support/temporary-folder.ts";

export type Proxy = AsyncDisposable & {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
};

const API_MODULE = fileURLToPath(import.meta.resolve("../../services/api/main.ts"));
/** More than any benchmark has open, so that nothing waits that is not meant to. */
const PLENTY_OF_SLOTS = 4096;

export async function startApi(
  endpoints: readonly string[],
  slots = PLENTY_OF_SLOTS,
  environment: Readonly<Record<string, string>> = {},
): Promise<Proxy> {
  const config: ApiConfigInput = { port: 0 };
  const child = fork(API_MODULE, {
    execArgv: [...API_HEAP],
    env: { ...process.env, ...environment, [API_CONFIG_VARIABLE]: JSON.stringify(config) },
    // Its log is part of its cost, and goes nowhere.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const [message] = (await once(child, "message")) as [ApiMessage];
  if (message.type !== "listening")
    throw new Error(`The API service failed: ${JSON.stringify(message)}`);
  const model = { id: "m", aliases: [], createdSeconds: 1, state: "ready", message: "" } as const;
  const directory = { models: [{ ...model, endpoints, slots }] };
  child.send({ type: "directory", number: 1, directory } satisfies DirectoryMessage);
  const url = `http://127.0.0.1:${message.port}`;
  await answering(`${url}/readyz`);
  return proxy("api", url, child);
}

/** See bare-proxy.ts. */
export async function startBareProxy(upstream: string): Promise<Proxy> {
  const module = fileURLToPath(new URL("bare-proxy.ts", import.meta.url));
  const stdio = ["ignore", "ignore", "inherit", "ipc"] as const;
  const child = fork(module, [upstream], { execArgv: [...API_HEAP], stdio: [...stdio] });
  const [port] = (await once(child, "message")) as [number];
  return proxy("bare Node", `http://127.0.0.1:${port}`, child);
}

/** Undefined where nginx is not installed. */
export async function startNginx(upstream: string): Promise<Proxy | undefined> {
  const folder = await TemporaryFolder.create();
  const port = await freePort();
  const path = folder.file("nginx.conf");
  await writeFile(path, nginxConfig(port, upstream, folder.path));
  const child = spawn("nginx", ["-p", folder.path, "-c", path], { stdio: "ignore" });
  const failed = once(child, "error").then(() => "failed" as const);
  const url = `http://127.0.0.1:${port}`;
  const started = await Promise.race([failed, answering(`${url}/v1/models`)]);
  return started === "failed" ? undefined : proxy("nginx", url, child, folder);
}

/** As one uses it for streams of tokens: kept connections, nothing buffered. */
function nginxConfig(port: number, upstream: string, folder: string): string {
  return `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 8192; }
http {
  access_log ${folder}/access.log; client_body_temp_path ${folder}; proxy_temp_path ${folder};
  fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  keepalive_requests 1000000; client_body_buffer_size 1m;
  upstream model { server ${upstream.slice("http://".length)}; keepalive 256; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}`;
}

/** Undefined unless \`litellm\` is installed (pip install 'litellm[proxy]'). */
export async function startLiteLlm(upstream: string): Promise<Proxy | undefined> {
  const folder = await TemporaryFolder.create();
  const port = await freePort();
  const path = folder.file("config.yaml");
  const model = `{model: openai/m, api_base: "${upstream}/v1", api_key: any}`;
  await writeFile(path, `model_list:\n  - {model_name: m, litellm_params: ${model}}\n`);
  const child = spawn("litellm", ["--config", path, "--host", "127.0.0.1", "--port", `${port}`], {
    stdio: "ignore",
    // Without keys, as the others: else it refuses to start.
    env: { ...process.env, LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY: "true" },
  });
  const failed = once(child, "error").then(() => "failed" as const);
  const url = `http://127.0.0.1:${port}`;
  const started = await Promise.race([failed, answering(`${url}/health/liveliness`)]);
  return started === "failed" ? undefined : proxy("litellm", url, child, folder);
}

function proxy(name: string, url: string, child: ChildProcess, folder?: TemporaryFolder): Proxy {
  return {
    name,
    url,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
      await folder?.[Symbol.asyncDispose]();
    },
  };
}

async function answering(url: string): Promise<"answers"> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    try {
      const response = await fetch(url);
      await response.arrayBuffer();
      return "answers";
    } catch {
      await wait(100);
    }
  }
  throw new Error(`${url} does not answer`);
}

const TICKS_PER_SECOND = 100;

/** Seconds of CPU that a process has used. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
