/** Which URLs of images may be asked for, decided before anything is sent, at every hop. */
import type { FileProblem } from "../problem.ts";

/** Undefined for what may be. `hosts` are names; `*.` stands for any below. */
export function urlProblem(url: URL, hosts: readonly string[]): FileProblem | undefined {
  if (url.protocol !== "https:") {
    return refused("its URL begins with neither 'data:' nor 'https:'");
  }
  if (url.username !== "" || url.password !== "") {
    return refused("its URL has a name or a password in it, and those are sent nowhere");
  }
  if (hosts.some((host) => isBelow(url.hostname, host))) return undefined;
  return hosts.length === 0
    ? refused(
        "images are not fetched here. Send its bytes as a data URL (data:image/png;base64,…), or have its host " +
          "allowed: spec.imageUrls.allowedHosts of the model's LocalModel",
      )
    : refused(
        `${url.hostname} is none of the hosts that images are fetched from: ${hosts.join(", ")}. Send its bytes as a ` +
          "data URL (data:image/png;base64,…), or have the host added to spec.imageUrls.allowedHosts of the model's LocalModel",
      );
}

function isBelow(hostname: string, host: string): boolean {
  return host.startsWith("*.") ? hostname.endsWith(host.slice(1)) : hostname === host;
}

function refused(message: string): FileProblem {
  return { code: "invalid_image_url", message };
}
