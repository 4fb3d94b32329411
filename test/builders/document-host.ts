/** A TLS server that stands for the hosts of certificates and key sets, and the settings that lead a runtime to it. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { InjectedFault } from '../../src/settings/runtime-settings.ts';

const file = (name: string): string => readFileSync(new URL(`../certificates/${name}`, import.meta.url), 'utf8');

/** Key and certificate of a signer, as Amazon has them. */
export const signer = { key: file('signing-key.pem'), certificate: file('signing.pem') };

/** Names the server has a certificate for. */
export const documentHosts = [
  'api.sandbox.paypal.com',
  'sns.eu-central-1.amazonaws.com',
  'issuer.example.com',
] as const;

export interface DocumentHost {
  readonly port: number;
  readonly network: NonNullable<InjectedFault['network']>;
  /** Paths with hosts, in the order in which they were asked for. */
  readonly asked: readonly string[];
  /** What is answered from now on by host and path; others are 404. */
  readonly documents: Map<string, string>;
}

/** Starts it; it ends with the test. */
export async function startDocumentHost(context: TestContext): Promise<DocumentHost> {
  const asked: string[] = [];
  const documents = new Map<string, string>();
  const server: Server = createServer(
    { key: file('server-key.pem'), cert: file('server.pem') },
    (request, response) => {
      const path = `${request.headers.host ?? ''}${request.url ?? ''}`;
      asked.push(path);
      const document = documents.get(path);
      response.writeHead(document === undefined ? 404 : 200).end(document);
    },
  );
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const addresses = Object.fromEntries(documentHosts.map((host) => [host, '127.0.0.1']));
  return { port, asked, documents, network: { addresses, ports: { 443: port }, ca: [file('authority.pem')] } };
}
