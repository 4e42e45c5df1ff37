/**
 * The secret that the keys of model servers are made from (contracts/server-key.ts): made once for an installation, and
 * read by whoever leads.
 *
 * The API service has it mounted, and waits for it where there is none yet. Nothing starts without it: pods that know no
 * key answer everybody.
 */
import { isAlreadyThere } from "@localmodel/kube/wire/api-errors.ts";
import type { Client } from "@localmodel/kube/wire/client.ts";
import { SECRETS, type Secret } from "@localmodel/kube/objects/core-resources.ts";
import type { Log } from "@localmodel/kube/log.ts";
import type { ObjectName } from "@localmodel/kube/objects/objects.ts";
import { Backoff, REFLECTOR_BACKOFF } from "@localmodel/kube/time/backoff.ts";
import { delay } from "@localmodel/kube/time/clock.ts";
import { MADE_SECRET_ITEM, secretsIn } from "@localmodel/localmodel/contracts/server-key.ts";
import { randomBytes } from "node:crypto";

type Options = { readonly client: Client; readonly name: ObjectName; readonly log: Log };

const SECRET_BYTES = 32;

/** Tries for ever: whoever grants rights may still be about to. Rejects with the signal's reason. */
export async function untilServerSecrets(
  { client, name, log }: Options,
  stop: AbortSignal,
): Promise<readonly string[]> {
  const { clock, random } = client.transport;
  const backoff = new Backoff(REFLECTOR_BACKOFF, clock, random);
  for (;;) {
    try {
      return await serverSecrets(client.with({ signal: stop }), name);
    } catch (error) {
      stop.throwIfAborted();
      log.error("the secret of the model servers is not there, so no model is looked after", {
        secret: `${name.namespace}/${name.name}`,
        error,
      });
      await delay(clock, backoff.nextMs(), stop);
    }
  }
}

async function serverSecrets(client: Client, name: ObjectName): Promise<readonly string[]> {
  const stored = (await client.get(SECRETS, name)) ?? (await made(client, name));
  const text = Buffer.from(stored?.data?.[MADE_SECRET_ITEM] ?? "", "base64").toString("utf8");
  const secrets = secretsIn(text);
  if (secrets.length > 0) return secrets;
  throw new Error(
    `The Secret ${name.namespace}/${name.name} has no line under "${MADE_SECRET_ITEM}". Write one, or delete the Secret to have it made anew.`,
  );
}

async function made(client: Client, name: ObjectName): Promise<Secret | undefined> {
  const text = randomBytes(SECRET_BYTES).toString("base64url");
  try {
    return await client.create(SECRETS, {
      metadata: { ...name, labels: { "app.kubernetes.io/part-of": "localmodel" } },
      type: "Opaque",
      data: { [MADE_SECRET_ITEM]: Buffer.from(text).toString("base64") },
    });
  } catch (error) {
    // Somebody else was faster, and theirs counts.
    if (isAlreadyThere(error)) return client.get(SECRETS, name);
    throw error;
  }
}
