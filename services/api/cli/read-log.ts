/** The events of /admin/log, as its readers get them. */
import { type Asked, askService } from "./ask-service.ts";

const PATH = "/admin/log";

export type LogEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

type LogQuery = Asked & { readonly model?: string };

/** Throws with the service's own words when it refuses. */
export async function* readLog({ model, ...asked }: LogQuery): AsyncGenerator<LogEvent> {
  const query = new URLSearchParams(model === undefined ? {} : { model });
  const response = await askService(asked, query.size === 0 ? PATH : `${PATH}?${query.toString()}`);
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
