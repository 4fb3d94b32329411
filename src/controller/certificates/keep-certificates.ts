/** Keeps the certificates of the link in a Secret and their authorities in a ConfigMap, whichever replica comes first. */
import type { Logger } from '../../telemetry/logger.ts';
import type { Clock } from '../clock.ts';
import { resourcePath, type KubeAnswer, wholeObject } from '../kube-answer.ts';
import type { KubeClient } from '../kube-client.ts';
import type { KubeObject } from '../kube-object.ts';
import { issueCertificate, makeAuthority, type KeyPair } from './make-certificates.ts';
import { bundleOf, fromSecretData, planCertificates, toSecretData, type Certificates } from './plan-certificates.ts';

interface Stored extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export interface KeptCertificates {
  /** What is served now. */
  readonly serving: KeyPair;
  /** PEM of all authorities. */
  readonly authorities: string;
}

const everyMs = 300_000;
const attempts = 10;
const labels = { 'app.kubernetes.io/name': 'moonhook', 'app.kubernetes.io/component': 'controller' };

/** Resolves when there is a certificate; looks again now and then until the signal. Rejects where it cannot be had. */
export async function keepCertificates(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly namespace: string;
  /** Of the Secret and of the ConfigMap. */
  readonly secret: string;
  readonly configMap: string;
  readonly names: readonly [string, ...string[]];
  readonly signal: AbortSignal;
  readonly everyMs?: number;
  /** Another certificate is to be served, or other authorities are to be trusted. */
  onChanged(certificates: KeptCertificates): void;
}): Promise<KeptCertificates> {
  const { client, clock, log, namespace, signal } = options;

  function write(resource: string, name: string, stored: Stored | undefined, fields: object) {
    const base = { apiVersion: 'v1', kind: resource === 'secrets' ? 'Secret' : 'ConfigMap', ...fields };
    const version = stored?.metadata.resourceVersion;
    const metadata = { name, namespace, labels, ...(version === undefined ? {} : { resourceVersion: version }) };
    return client.request({
      method: stored === undefined ? 'POST' : 'PUT',
      path: resourcePath({ apiVersion: 'v1', resource, namespace, ...(stored === undefined ? {} : { name }) }),
      body: { ...base, metadata },
    });
  }

  async function read(resource: string, name: string): Promise<Stored | undefined> {
    const path = resourcePath({ apiVersion: 'v1', resource, namespace, name });
    const answer = wholeObject(await client.request<Stored>({ path }));
    if (answer.ok) return answer.body;
    if (answer.status === 404) return undefined;
    throw new Error(`${resource} ${namespace}/${name}: ${answer.message}`);
  }

  /** Another replica may write at the same time: then what it wrote is looked at. */
  async function settle(): Promise<Certificates> {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const stored = await read('secrets', options.secret);
      const held = fromSecretData(stored?.data ?? {});
      const planned = await planCertificates(held, options.names, clock.wallNow(), { makeAuthority, issueCertificate });
      if (planned === held) return held;
      const answer = await write('secrets', options.secret, stored, { type: 'Opaque', data: toSecretData(planned) });
      if (answer.ok) {
        log.info('the certificates of the link are new', { secret: options.secret });
        return planned;
      }
      refuseBut(answer, 'secrets', options.secret);
      await clock.sleep(50 + 100 * clock.random(), signal);
    }
    throw new Error(`secrets ${namespace}/${options.secret}: others keep writing it`);
  }

  async function publish(bundle: string): Promise<void> {
    const stored = await read('configmaps', options.configMap);
    if (stored?.data?.['ca.crt'] === bundle) return;
    const answer = await write('configmaps', options.configMap, stored, { data: { 'ca.crt': bundle } });
    // A conflict is another replica's: what it wrote is looked at the next time.
    if (!answer.ok) refuseBut(answer, 'configmaps', options.configMap);
  }

  function refuseBut(answer: KubeAnswer<unknown>, resource: string, name: string): void {
    if (!answer.ok && answer.status !== 409) throw new Error(`${resource} ${namespace}/${name}: ${answer.message}`);
  }

  async function look(): Promise<KeptCertificates> {
    const certificates = await settle();
    const authorities = bundleOf(certificates);
    // Trusted before it is used: runtimes read the bundle, then the certificate is served.
    await publish(authorities);
    return { serving: certificates.serving as KeyPair, authorities };
  }

  let kept = await look();
  async function follow(): Promise<void> {
    for (;;) {
      await clock.sleep(options.everyMs ?? everyMs, signal);
      if (signal.aborted) return;
      try {
        const next = await look();
        const same = next.serving.certificate === kept.serving.certificate && next.authorities === kept.authorities;
        kept = next;
        if (!same) options.onChanged(next);
      } catch (error) {
        log.warn('the certificates of the link could not be looked after', { error: (error as Error).message });
      }
    }
  }
  void follow();
  return kept;
}
