/** What functions tell of the states they were given: a server of the benchmark's own, which remembers all of it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the recorder was told of a pod: event, version of the state, when. */
export interface Told {
  readonly event: string;
  readonly version: number;
  readonly at: number;
}

export interface Recorder {
  readonly url: string;
  readonly told: ReadonlyMap<string, readonly Told[]>;
  calls(): number;
  close(): void;
}

export async function startRecorder(address: string): Promise<Recorder> {
  const told = new Map<string, Told[]>();
  let calls = 0;
  const server: Server = createServer((request, response) => {
    const at = performance.timeOrigin + performance.now();
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => (text += piece));
    request.on('end', () => {
      const body = JSON.parse(text) as { readonly name: string; readonly event: string; readonly version: string };
      const { name, event } = body;
      const version = Number(body.version);
      calls += 1;
      const known = told.get(name);
      if (known === undefined) told.set(name, [{ event, version, at }]);
      else known.push({ event, version, at });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    url: `http://${address}:${(server.address() as AddressInfo).port}/told`,
    told,
    calls: () => calls,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
