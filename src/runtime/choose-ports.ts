/** Looks whether the wanted ports are free, and whether this platform lets several threads share one. */
import { createServer } from 'node:net';
import type { ListenAddress, RuntimeSettings } from '../settings/runtime-settings.ts';

export interface ChosenPorts {
  readonly publicPort: number;
  readonly callsPort: number;
  /** False: only one worker can listen. */
  readonly shared: boolean;
}

/** A listener could not be opened; the message says what to do. */
export class PortTaken extends Error {}

/** By the code of the system; `name` is that of the option. */
const remedies: ReadonlyMap<unknown, (name: string) => string> = new Map([
  ['EADDRINUSE', (name: string) => `another process listens there; stop it or choose another with --${name}`],
  ['EACCES', (name: string) => `this user may not; choose a port from 1024 with --${name}`],
  ['EADDRNOTAVAIL', () => 'no interface of this machine has that address; choose another host'],
  ['ENOTFOUND', () => 'there is no host of that name; choose another host'],
]);
const hostCodes: ReadonlySet<unknown> = new Set(['EADDRNOTAVAIL', 'ENOTFOUND']);

/**
 * With a shared port a second process would bind it without an error and take half of the requests: so each port is bound
 * alone first.
 */
export async function choosePorts(settings: RuntimeSettings): Promise<ChosenPorts> {
  for (const [name, address] of Object.entries({
    port: settings.public,
    'call-port': settings.calls,
    'admin-port': settings.admin,
  })) {
    if (address.port !== 0) await bind(address, false, name);
  }
  return {
    publicPort: settings.public.port,
    callsPort: settings.calls.port,
    shared: await canShare(settings.public.host),
  };
}

async function canShare(host: string): Promise<boolean> {
  try {
    await bind({ host, port: 0 }, true, 'port');
    return true;
  } catch (error) {
    // Platforms without SO_REUSEPORT balancing answer ENOTSUP.
    if (error instanceof PortTaken && !hostCodes.has(codeOf(error.cause))) return false;
    throw error;
  }
}

function bind({ host, port }: ListenAddress, reusePort: boolean, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = remedies.get(error.code)?.(name) ?? error.message;
      reject(new PortTaken(`cannot listen on ${host}:${port}: ${why}`, { cause: error }));
    });
    server.listen({ host, port, exclusive: true, reusePort }, () => server.close(() => resolve()));
  });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
