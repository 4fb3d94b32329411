/** Subscriptions with the verdict the API server gives on them by the CRD alone, as `function-documents.ts` has of functions. */
import type { JudgedDocument } from './function-documents.ts';

type Fields = Readonly<Record<string, unknown>>;

function base(spec: Fields = {}, name = 'partner'): Readonly<{ metadata: Fields; spec: Fields }> & Fields {
  return {
    apiVersion: 'moonhook.dev/v1alpha1',
    kind: 'WebhookSubscription',
    metadata: { name, namespace: 'a' },
    spec: {
      url: 'https://partner.example.com/hooks',
      events: ['com.acme.order.*'],
      secretRefs: [{ name: 'partner', key: 'secret' }],
      ...spec,
    },
  };
}

function without(field: string, spec: Fields = {}): Fields {
  const document = base(spec);
  return { ...document, spec: Object.fromEntries(Object.entries(document.spec).filter(([name]) => name !== field)) };
}

const inSecret = { secretKeyRef: { name: 'partner', key: 'url' } };
const withHeader = (header: Fields): Fields => base({ headers: [header] });
const inMap = { configMapKeyRef: { name: 'settings', key: 'tenant' } };

const accepted: Readonly<Record<string, Fields>> = {
  'the base': base(),
  'a URL out of a Secret': without('url', { urlFrom: inSecret }),
  'every field': base({
    class: 'canary',
    suspend: true,
    channels: ['eu'],
    filter: 'event.data.total > 10',
    transform: 'return event.data',
    format: 'cloudEvents',
    headers: [
      { name: 'X-Tenant', valueFrom: inMap },
      { name: 'X-Key', valueFrom: inSecret },
      { name: 'X-Plain', value: 'a' },
    ],
    retry: { schedule: ['5s', '1h'] },
    timeout: '10s',
    rate: { requests: 10, per: '1s' },
    concurrency: 2,
    handshake: { origin: 'events.example.com' },
    ordered: { key: 'event.subject' },
  }),
  'all events': base({ events: ['*'] }),
};

const refused: Readonly<Record<string, Fields>> = {
  'neither url nor urlFrom': without('url'),
  'both url and urlFrom': base({ urlFrom: inSecret }),
  'no events': without('events'),
  'an empty list of events': base({ events: [] }),
  'an event twice': base({ events: ['a', 'a'] }),
  'a pattern in the middle': base({ events: ['com.*.order'] }),
  'no secrets': without('secretRefs'),
  'a URL with a user': base({ url: 'https://a:b@partner.example.com/' }),
  'another scheme': base({ url: 'ftp://partner.example.com/' }),
  'a handshake without its format': base({ handshake: { origin: 'events.example.com' } }),
  'a handshake with another format': base({
    format: 'standardWebhooks',
    handshake: { origin: 'events.example.com' },
  }),
  'a header without value': withHeader({ name: 'X-A' }),
  'a header with value and source': withHeader({ name: 'X-A', value: 'a', valueFrom: inMap }),
  'a header from nowhere': withHeader({ name: 'X-A', valueFrom: {} }),
  'a header from two places': withHeader({ name: 'X-A', valueFrom: { ...inMap, ...inSecret } }),
  'a header twice': base({
    headers: [
      { name: 'X-A', value: 'a' },
      { name: 'X-A', value: 'b' },
    ],
  }),
  'a format that is none': base({ format: 'xml' }),
  'a duration that is none': base({ timeout: '10 seconds' }),
  'a rate without its period': base({ rate: { requests: 1 } }),
  'a field that is none': base({ urls: ['https://a.example.com'] }),
  'a name with a dot': base({}, 'part.ner'),
};

const classed = (name?: string): Fields => base(name === undefined ? {} : { class: name });

/** All documents: what is accepted, what is refused, and edits of the class. */
export const subscriptionDocuments: readonly JudgedDocument[] = [
  ...Object.entries(accepted).map(([name, document]) => ({ name, accepted: true, document })),
  ...Object.entries(refused).map(([name, document]) => ({ name, accepted: false, document })),
  { name: 'the same class', accepted: true, document: classed('a'), before: classed('a') },
  { name: 'another class', accepted: false, document: classed('b'), before: classed('a') },
  { name: 'a class gone', accepted: false, document: classed(), before: classed('a') },
  { name: 'a class come', accepted: false, document: classed('a'), before: classed() },
];
