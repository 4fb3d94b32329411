/** What the triggers of a draft can be tried on: the samples of their senders, or the data that their kind brings. */
import { isObject } from '../function/is-object.ts';
import type { Sample } from '../console/console-source.ts';
import { receivers } from '../receivers/catalogue.ts';
import { readSamples } from '../receivers/read-samples.ts';

type Plain = Readonly<Record<string, unknown>>;

const kinds = ['schedule', 'event', 'kubernetes'] as const;

/** `resource`: of a draft, so of any form. `now`: milliseconds since the epoch. */
export function samplesOf(resource: Plain, namespace: string, now: number): readonly Sample[] {
  const { triggers } = plain(resource['spec']);
  const samples: Sample[] = [];
  for (const trigger of Array.isArray(triggers) ? (triggers as unknown[]).map(plain) : []) {
    const { name, http } = trigger;
    if (typeof name !== 'string') continue;
    if (http === undefined) samples.push(sampleOfKind(name, trigger, namespace, now));
    else samples.push(...samplesOfSender(name, plain(http), namespace));
  }
  return samples.length === 0 ? [{ kind: 'call', event: 'call', body: '{}' }] : samples;
}

function samplesOfSender(trigger: string, http: Plain, namespace: string): readonly Sample[] {
  const [sender = 'open'] = Object.keys(plain(http['receiver']));
  const [route] = Array.isArray(http['routes']) ? (http['routes'] as unknown[]).map(plain) : [];
  const path = http['path'] ?? route?.['path'];
  const methods = (route ?? http)['methods'];
  const method = Array.isArray(methods) && typeof methods[0] === 'string' ? { method: methods[0] } : {};
  const mounted = typeof path === 'string' ? { path: path.startsWith('/') ? path : `/${namespace}/${path}` } : {};
  const known = receivers.has(sender) ? readSamples(sender) : [];
  return known.map(({ event, body }) => ({
    trigger,
    kind: sender,
    event,
    body: readable(body.toString('utf8')),
    ...mounted,
    ...method,
  }));
}

function sampleOfKind(trigger: string, value: Plain, namespace: string, now: number): Sample {
  const kind = kinds.find((each) => value[each] !== undefined) ?? 'call';
  const own = plain(value[kind]);
  const time = new Date(now).toISOString();
  const sample = (event: string, data: Plain): Sample => ({
    trigger,
    kind,
    event,
    body: JSON.stringify(data, undefined, 2),
  });
  if (kind === 'schedule') return sample(kind, { ...plain(own['data']), scheduledTime: time });
  if (kind === 'kubernetes') {
    return sample(eventOf(own), { object: objectOf(own, namespace, time), synthetic: false });
  }
  return sample(kind === 'event' && typeof own['type'] === 'string' ? own['type'] : kind, {});
}

function eventOf({ events }: Plain): string {
  const wanted = Array.isArray(events) ? (events as unknown[]).map(String) : [];
  return wanted.includes('Modified') || wanted.length === 0 ? 'Modified' : (wanted[0] ?? 'Modified');
}

/** An object of the kind, as small as code that looks at it can bear. */
function objectOf({ apiVersion, kind }: Plain, namespace: string, time: string): Plain {
  const metadata = {
    name: `${String(kind).toLowerCase()}-1`,
    namespace,
    uid: '6f0d1a52-3a1f-4d0e-9a54-2d7d1a6a1c11',
    resourceVersion: '101',
    creationTimestamp: time,
    labels: { app: 'web' },
  };
  const base = { apiVersion, kind, metadata };
  if (kind === 'Pod') {
    const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' };
    const container = { name: 'web', ready: false, restartCount: 3, state: { waiting } };
    return {
      ...base,
      spec: { nodeName: 'node-1', containers: [{ name: 'web', image: 'registry.example.com/web:1.2.3' }] },
      status: { phase: 'Running', containerStatuses: [container] },
    };
  }
  if (kind === 'Deployment') {
    return { ...base, spec: { replicas: 3 }, status: { replicas: 3, readyReplicas: 2, unavailableReplicas: 1 } };
  }
  return { ...base, spec: {}, status: {} };
}

/** JSON with its lines; anything else as it is. */
function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

function plain(value: unknown): Plain {
  return isObject(value) ? value : {};
}
