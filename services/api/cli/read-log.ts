/** The events of /admin/log, as its readers get them. */

export type LogEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

type LogQuery = { readonly url: string; readonly model?: string; readonly key?: string };

/** Throws with the service's own words when it refuses. Base URLs that end with /v1 mean the same service. */
export async function* readLog({ url, model, key }: LogQuery): AsyncGenerator<LogEvent> {
  const target = new URL(`${url.replace(/\/+$/, "").replace(/\/v1$/, "")}/admin/log`);
  if (model !== undefined) target.searchParams.set("model", model);
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const response = await fetch(target, { headers }).catch((error: unknown) => {
    throw new Error(`nobody answers at ${target.origin}; is the service running?`, {
      cause: error,
    });
  });
  if (!response.ok) throw new Error(await refusalOf(response));
  let text = "";
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const frames = (text + part).split("\n\n");
    text = frames.pop() ?? "";
    for (const frame of frames) {
      const data = frame.split("\n").find((line) => line.startsWith("data: "));
      if (data !== undefined) yield JSON.parse(data.slice("data: ".length)) as LogEvent;
    }
  }
}

async function refusalOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  const { message } = (body as { error?: { message?: string } } | undefined)?.error ?? {};
  return message ?? `the service answered with status ${response.status}`;
}
