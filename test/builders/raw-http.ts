/** Sends requests exactly as given: headers that `fetch` would refuse or change included. */
import { request as send } from 'node:http';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

export interface RawSending {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Uint8Array;
}

/** One request on a connection of its own. */
export async function sendRaw(url: string, { method, headers, body }: RawSending): Promise<RawAnswer> {
  const answer = Promise.withResolvers<RawAnswer>();
  const outgoing: Record<string, string | string[]> = { 'content-length': String(body.length) };
  for (const [name, value] of Object.entries(headers)) outgoing[name] = typeof value === 'string' ? value : [...value];
  const request = send(url, { method, headers: outgoing, agent: false }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', answer.reject);
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      answer.resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
    });
  });
  request.on('error', answer.reject);
  request.end(body);
  return answer.promise;
}
