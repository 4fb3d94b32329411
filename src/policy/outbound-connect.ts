/** Opens sockets to addresses that were checked, and looks again at where they really lead before a byte is written. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { buildConnector } from 'undici';
import { comparableAddress } from './address-ranges.ts';

/** Opens a TCP connection; a test gives one that leads elsewhere. */
export type Dial = (address: string, port: number) => Socket;

export const dialTcp: Dial = (address, port) => connectTcp({ host: address, port, autoSelectFamily: false });

/** The peer of a connection is not one of the addresses that were checked. */
export class ConnectedElsewhere extends Error {}
/** No address answered in time. */
export class ConnectTimeout extends Error {}

export interface ConnectorOptions {
  /** In the order they are tried; all checked. */
  readonly addresses: readonly string[];
  readonly dial: Dial;
  readonly timeoutMs: number;
  /** Has its reader take turns with others. */
  readonly pace: (socket: Socket) => void;
  /** Further certificate authorities in PEM, besides those of Node. */
  readonly ca?: readonly string[];
}

export interface Connector {
  readonly connect: buildConnector.connector;
  /** Gives up connections that are not established yet. */
  abandon(): void;
}

/** A connector for undici that only ever hands over sockets whose peer is one of `addresses`. */
export function createConnector(options: ConnectorOptions): Connector {
  const checked = new Set(options.addresses.map(comparableAddress));
  const unfinished = new Set<(error: Error) => void>();
  const connect: buildConnector.connector = (target, callback) => {
    const deadline = setTimeout(() => finish(new ConnectTimeout('no connection in time')), options.timeoutMs);
    let current: Socket | undefined;
    let ended = false;

    const finish = (error: Error | undefined, socket?: Socket): void => {
      if (ended) return;
      ended = true;
      unfinished.delete(finish);
      clearTimeout(deadline);
      if (error !== undefined || socket === undefined) {
        current?.destroy();
        callback(error ?? new Error('no socket'), null);
        return;
      }
      options.pace(socket);
      callback(null, socket);
    };

    const attempt = (index: number, last: Error): void => {
      const address = options.addresses[index];
      if (ended) return;
      if (address === undefined) {
        finish(last);
        return;
      }
      const port = Number(target.port === '' ? (target.protocol === 'https:' ? 443 : 80) : target.port);
      const socket = options.dial(address, port);
      current = socket;
      let connected = false;
      let failed = false;
      // One dead address must not use up the time of the others.
      const share = setTimeout(
        () => socket.destroy(new ConnectTimeout(`no connection in time`)),
        Math.ceil(options.timeoutMs / options.addresses.length),
      );
      socket.setNoDelay(true);
      socket.once('connect', () => {
        connected = true;
        clearTimeout(share);
        if (!checked.has(comparableAddress(socket.remoteAddress ?? ''))) {
          finish(new ConnectedElsewhere('the connection leads to an address that was not checked'));
          return;
        }
        if (target.protocol === 'https:') encrypt(socket);
        else finish(undefined, socket);
      });
      socket.on('error', (error) => {
        clearTimeout(share);
        if (connected || failed) {
          finish(error);
          return;
        }
        failed = true;
        attempt(index + 1, error);
      });
      socket.once('close', () => {
        clearTimeout(share);
        if (!failed) finish(new Error('the connection was closed'));
      });
    };

    const encrypt = (socket: Socket): void => {
      const host = target.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
      const secure = connectTls({
        socket,
        host,
        // RFC 6066 §3: an address is no server name.
        servername: isIP(host) === 0 ? host : '',
        ALPNProtocols: ['http/1.1'],
        ...(options.ca === undefined ? {} : { ca: [...options.ca] }),
      });
      current = secure;
      secure.once('secureConnect', () => finish(undefined, secure));
      secure.on('error', (error) => finish(error));
    };

    unfinished.add(finish);
    attempt(0, new Error('no address'));
  };
  return {
    connect,
    abandon() {
      for (const finish of unfinished) finish(new Error('given up'));
    },
  };
}
