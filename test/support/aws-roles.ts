/**
 * An AWS of one role: its Security Token Service, a container's address, a machine's metadata, and a store that only lets
 * in whoever signs with the keys that were lent last.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { isSigned } from "./signed-by.ts";

export const REGION = "eu-central-1";
export const ROLE = "arn:aws:iam::123456789012:role/models";

type Loan = { readonly id: string; readonly secret: string; readonly token: string };

export class AwsOfOneRole implements AsyncDisposable {
  /** What was shown to whom: one entry a loan, or a refusal. */
  readonly shown: Record<string, string>[] = [];
  readonly object: Buffer;
  /** Who is believed. */
  token = "signed-by-the-cluster";
  lendsForMs = 3_600_000;
  readonly #loans: Loan[] = [];
  readonly #server: Server;

  private constructor(object: Buffer) {
    this.object = object;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(object: Buffer): Promise<AwsOfOneRole> {
    const aws = new AwsOfOneRole(object);
    await new Promise<void>((resolve) => aws.#server.listen(0, "127.0.0.1", resolve));
    return aws;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  source(key = "models/tiny.gguf") {
    const addressing = "path" as const;
    return { s3: { bucket: "weights", key, region: REGION, endpoint: this.origin, addressing } };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url: path = "", headers } = request;
    const body = await text(request);
    if (method === "POST" && path === "/") return this.#assume(new URLSearchParams(body), response);
    if (path === "/container") return this.#lendToContainer(headers.authorization ?? "", response);
    if (path.startsWith("/latest/")) return this.#tellMachine(request, response);
    return this.#read(request, response);
  }

  #tellMachine({ method, url = "", headers }: IncomingMessage, response: ServerResponse): void {
    const roles = "/latest/meta-data/iam/security-credentials/";
    const token = "of-this-machine";
    if (method === "PUT" && url === "/latest/api/token") return reply(response, token);
    if (headers["x-aws-ec2-metadata-token"] !== token) return reply(response, "", 401);
    if (url === roles) return reply(response, "models\n");
    return url === `${roles}models`
      ? reply(response, this.#json({ url }))
      : reply(response, "", 404);
  }

  #assume(form: URLSearchParams, response: ServerResponse): void {
    const said = Object.fromEntries(form);
    if (said["WebIdentityToken"] !== this.token || said["RoleArn"] !== ROLE) {
      this.shown.push(said);
      const wrong = "<Error><Code>AccessDenied</Code><Message>not for you</Message></Error>";
      return reply(response, `<ErrorResponse>${wrong}</ErrorResponse>`, 403);
    }
    const { id, secret, token, until } = this.#lend(said);
    return reply(
      response,
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <AssumeRoleWithWebIdentityResult><Credentials>
          <AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey>
          <SessionToken>${token}</SessionToken><Expiration>${until}</Expiration>
        </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    );
  }

  #lendToContainer(authorization: string, response: ServerResponse): void {
    if (authorization === this.token) return reply(response, this.#json({ authorization }));
    this.shown.push({ authorization });
    return reply(response, "{}", 401);
  }

  #json(said: Record<string, string>): string {
    const { id, secret, token, until } = this.#lend(said);
    return JSON.stringify({
      AccessKeyId: id,
      SecretAccessKey: secret,
      Token: token,
      Expiration: until,
    });
  }

  #lend(said: Record<string, string>) {
    this.shown.push(said);
    const number = this.shown.length;
    const loan = { id: `ASIA${number}`, secret: `secret/${number}+`, token: `session/${number}==` };
    this.#loans.push(loan);
    return { ...loan, until: new Date(Date.now() + this.lendsForMs).toISOString() };
  }

  #read({ url: path = "", headers }: IncomingMessage, response: ServerResponse): void {
    const isLent = this.#loans.some(
      ({ id, secret, token }) =>
        headers.authorization?.includes(`Credential=${id}/`) === true &&
        headers["x-amz-security-token"] === token &&
        isSigned({ path, headers }, { secret, region: REGION }),
    );
    if (isLent) {
      response.writeHead(200, { "content-length": this.object.length });
      return void response.end(this.object);
    }
    response.writeHead(403, { "x-amz-request-id": "1" });
    response.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

function reply(response: ServerResponse, body: string, status = 200): void {
  response.writeHead(status);
  response.end(body);
}
