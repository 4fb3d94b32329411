/** HubSpot. https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests */
import { identifiedBatch, jsonItems, textAt } from './batch-items.ts';
import { identified } from './identify-event.ts';
import { single } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { Identified, RawRequest } from './types.ts';
import { registeredUrlField, vendorProfile } from './vendor-profile.ts';

/** These escapes, and no others, are decoded in the URL before it is signed. */
const decoded: Readonly<Record<string, string>> = {
  '%3A': ':',
  '%2F': '/',
  '%3F': '?',
  '%40': '@',
  '%21': '!',
  '%24': '$',
  '%27': "'",
  '%28': '(',
  '%29': ')',
  '%2A': '*',
  '%2C': ',',
  '%3B': ';',
};

const decodeEscapes = (url: string): string =>
  url.replaceAll(/%[0-9A-Fa-f]{2}/g, (escape) => decoded[escape.toUpperCase()] ?? escape);

const v3: SignatureScheme = {
  algorithm: 'sha256',
  header: 'x-hubspot-signature-v3',
  encoding: 'base64',
  prefix: '',
  signed: template('{method}{url}{body}{timestamp}'),
  timestamp: { from: { header: 'x-hubspot-request-timestamp' }, unit: 'ms', toleranceMs: 300_000 },
  urlForms: (url) => [decodeEscapes(url)],
};
const v2: SignatureScheme = {
  algorithm: 'plain-sha256',
  header: 'x-hubspot-signature',
  encoding: 'hex',
  prefix: '',
  signed: template('{method}{url}{body}'),
};
const v1: SignatureScheme = { ...v2, signed: template('{body}') };

function identify({ body }: RawRequest): Identified {
  const items = jsonItems(body, [], 'com.hubspot', (item) => {
    const id = textAt(item, 'eventId');
    const subscription = textAt(item, 'subscriptionId') ?? '';
    // One event id may come for several subscriptions of an app.
    return { name: textAt(item, 'subscriptionType'), id: id === undefined ? undefined : `${subscription}:${id}` };
  });
  if (items !== undefined && items.length > 0) return identifiedBatch(items, 'com.hubspot');
  return identified('com.hubspot', readJsonText(body, ['subscriptionType']), { idSigned: true });
}

export const hubspot = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'hubspot',
    title: 'HubSpot',
    documentation: 'https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests',
    answerBudgetMs: 5000,
  }),
  guide: {
    secret: 'The "Client secret" of the app (Auth).',
    setUp: [
      'In the HubSpot developer account open the app, Webhooks, and type the URL of the trigger as "Target URL".',
      'Create subscriptions for the events and activate them.',
      'Copy the "Client secret" from the Auth page of the app into the Secret named by `secretRefs`.',
    ],
    scheme: 'HMAC-SHA256 over `{method}{url}{body}{timestamp}`, base64, `X-HubSpot-Signature-v3`',
    replay: 'The signed time may be 5 minutes off.',
    event: '`subscriptionType` of each item',
    id: '`subscriptionId` and `eventId` of each item, signed',
    vectors: ['hubspot-v3', 'hubspot-v1', 'hubspot-v2-post'],
    interop: '@hubspot/api-client',
    sampleEvent: 'contact.creation',
  },
  fields: {
    ...registeredUrlField,
    acceptOlder: {
      type: 'boolean',
      description:
        'Accept signatures of version 1 and 2 on requests without one of version 3. They are plain hashes without a time: only for old apps.',
    },
  },
  setup: (fields) => {
    const older = fields.flag('acceptOlder');
    const url = fields.url('url');
    const own = url === undefined ? {} : { url };
    const [third, second, first] = [v3, v2, v1].map((scheme) => ({ ...scheme, ...own })) as [
      SignatureScheme,
      SignatureScheme,
      SignatureScheme,
    ];
    return {
      schemes: older ? [third, second, first] : [third],
      choose: (request) => {
        if (!older || request.headers.has(third.header)) return third;
        const version = single(request.headers.get('x-hubspot-signature-version'));
        if (version.kind !== 'one') return third;
        if (version.value === 'v1') return first;
        return version.value === 'v2' ? second : third;
      },
      decodeSecret: literalSecret,
      warnings: older
        ? ['acceptOlder: versions 1 and 2 sign no time, and version 1 lets whoever has one request append to its body']
        : [],
      identify,
    };
  },
  compose: (_event, body) => {
    const text = Buffer.from(body).toString('utf8').trim();
    return {
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(text.startsWith('[') ? text : `[${text}]`),
    };
  },
});
