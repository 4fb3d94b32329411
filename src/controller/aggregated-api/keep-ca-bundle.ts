/** Tells the API server, in the APIService, which authorities the listener's certificate is signed by, as they change. */
import type { Logger } from '../../telemetry/logger.ts';
import { createBackOff } from '../back-off.ts';
import type { Clock } from '../clock.ts';
import type { KubeClient } from '../kube-client.ts';
import { apiGroup, apiVersionName } from './read-path.ts';

const path = `/apis/apiregistration.k8s.io/v1/apiservices/${apiVersionName}.${apiGroup}`;
/** Whoever applies the APIService anew may take it away. */
const everyMs = 60_000;
const backOffTiming = { leastMs: 500, mostMs: 30_000 };

interface ApiService {
  readonly spec?: { readonly caBundle?: string };
}

/** Goes on until the signal. `authorities`: PEM of all, now. */
export async function keepCaBundle(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  authorities(): string;
}): Promise<void> {
  const { client, clock, log, signal } = options;
  const backOff = createBackOff(backOffTiming, clock.random);

  async function settle(): Promise<string | undefined> {
    const caBundle = Buffer.from(options.authorities()).toString('base64');
    const read = await client.request<ApiService>({ path, signal });
    if (!read.ok) return read.message;
    if (read.body.spec?.caBundle === caBundle) return undefined;
    const written = await client.request({
      method: 'PATCH',
      path,
      contentType: 'application/merge-patch+json',
      body: { spec: { caBundle } },
      signal,
    });
    return written.ok ? undefined : written.message;
  }

  while (!signal.aborted) {
    const failure = await settle();
    if (failure === undefined) backOff.reset();
    else if (!signal.aborted) log.warn('the APIService does not have our authorities yet', { error: failure });
    await clock.sleep(failure === undefined ? everyMs : backOff.next(), signal);
  }
}
