/** Mandrill (Mailchimp Transactional). https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/ */
import { batchName, jsonItems, textAt } from './batch-items.ts';
import { formType, readFormField } from './form-body.ts';
import { mediaType } from './read-header.ts';
import { defineSignatureReceiver } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { HostAnswer, Identified, RawRequest } from './types.ts';
import { registeredUrlSetup } from './registered-url.ts';
import { registeredUrlField, vendorProfile } from './vendor-profile.ts';

const field = 'mandrill_events';

const scheme: SignatureScheme = {
  algorithm: 'sha1',
  header: 'x-mandrill-signature',
  encoding: 'base64',
  prefix: '',
  signed: template('{url}{form}'),
  onlyField: field,
};

/**
 * When the URL is typed in, a HEAD request and an empty list come before there is a key (it is signed with the word
 * `test-webhook`): both are answered and run nothing.
 */
function handshake(request: RawRequest): HostAnswer | undefined {
  if (request.method === 'HEAD') return { status: 200 };
  if (request.body.length > 64 || mediaType(request) !== formType) return undefined;
  const isEmpty = readFormField(request.body, field) === '[]' && !request.body.includes(0x26);
  return isEmpty ? { status: 200 } : undefined;
}

function identify(request: RawRequest): Identified {
  const list = Buffer.from(readFormField(request.body, field) ?? '');
  const items = jsonItems(list, [], 'com.mandrill', (item) => {
    const name = textAt(item, 'event') ?? textAt(item, 'type');
    const id = textAt(item, '_id');
    return { name, id: id === undefined ? undefined : `${name ?? ''}:${id}:${textAt(item, 'ts') ?? ''}` };
  });
  const name = items === undefined ? 'request' : batchName(items);
  return {
    name,
    type: `com.mandrill.${name}`,
    idSigned: true,
    formField: field,
    ...(items === undefined ? {} : { items }),
  };
}

export const mandrill = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'mandrill',
    title: 'Mandrill (Mailchimp Transactional)',
    documentation: 'https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/',
    answerBudgetMs: 10_000,
    handshakeMethods: ['HEAD'],
  }),
  guide: {
    secret: 'The "Key" of the webhook, shown in its settings after it was made.',
    setUp: [
      'In Mandrill open Settings, Webhooks and press "Add a Webhook".',
      'Choose the events, type the URL of the trigger, and save: the host answers the test that Mandrill makes.',
      'Copy the "Key" from the list of webhooks into the Secret named by `secretRefs`.',
    ],
    scheme: 'HMAC-SHA1 over the registered URL and the decoded form fields, base64, `X-Mandrill-Signature`',
    handshake: '`HEAD` and an empty list of events are answered 200 and run nothing.',
    replay: 'No time is signed; duplicates are found by `event`, `_id` and `ts` of each item.',
    event: '`event` (or `type`) of each item',
    id: '`event`, `_id` and `ts` of each item, signed',
    vectors: ['mandrill-events'],
    sampleEvent: 'click',
  },
  fields: registeredUrlField,
  setup: registeredUrlSetup(scheme, identify),
  handshake,
  compose: (_event, body) => {
    const text = Buffer.from(body).toString('utf8').trim();
    if (text.startsWith(`${field}=`)) return { headers: { 'content-type': formType } };
    const list = text.startsWith('[') ? text : `[${text}]`;
    return {
      headers: { 'content-type': formType, 'user-agent': 'Mandrill-Webhook/1.0' },
      body: Buffer.from(`${field}=${encodeURIComponent(list)}`),
    };
  },
});
