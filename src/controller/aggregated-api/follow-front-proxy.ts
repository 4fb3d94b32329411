/** Reads how the API server's front proxy proves itself, and again now and then: its authority is rotated. */
import type { Logger } from '../../telemetry/logger.ts';
import { createBackOff } from '../back-off.ts';
import type { Clock } from '../clock.ts';
import { resourcePath } from '../kube-answer.ts';
import type { KubeClient } from '../kube-client.ts';
import { readFrontProxy, type FrontProxy } from './front-proxy.ts';

export interface FrontProxySource {
  /** Undefined: not known; nobody is believed. */
  current(): FrontProxy | undefined;
}

const everyMs = 60_000;
const backOffTiming = { leastMs: 500, mostMs: 15_000 };

/** Resolves after the first attempt; goes on until the signal. */
export async function followFrontProxy(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  onChanged(): void;
}): Promise<FrontProxySource> {
  const { client, clock, log, signal } = options;
  const backOff = createBackOff(backOffTiming, clock.random);
  const path = resourcePath({
    apiVersion: 'v1',
    resource: 'configmaps',
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication',
  });
  let said = '';
  let known: FrontProxy | undefined;

  /** How long until it is read again. */
  async function look(): Promise<number> {
    const answer = await client.request<{ readonly data?: Readonly<Record<string, string>> }>({ path, signal });
    const text = answer.ok ? JSON.stringify(answer.body.data ?? {}) : said;
    const read = answer.ok ? readFrontProxy(answer.body.data ?? {}) : answer.message;
    if (typeof read === 'string') {
      if (!signal.aborted) log.warn('the aggregated API believes no new front proxy', { error: read });
      // What the API server has taken back holds no more; that it could not be asked changes nothing.
      if (answer.ok) known = undefined;
      return backOff.next(answer.ok ? undefined : answer.retryAfterMs);
    }
    backOff.reset();
    if (text !== said || known === undefined) {
      said = text;
      known = read;
      options.onChanged();
    }
    return everyMs;
  }

  let wait = await look();
  async function follow(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(wait, signal);
      if (!signal.aborted) wait = await look();
    }
  }
  void follow();
  return { current: () => known };
}
