/** Twilio. https://www.twilio.com/docs/usage/webhooks/webhooks-security */
import { hash, timingSafeEqual } from 'node:crypto';
import { decodeHex } from './decode-digest.ts';
import { deliveryId, eventName } from './event-name.ts';
import { formOfJson, formType, readFormField, sortedFormText } from './form-body.ts';
import { mediaType, single } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { Identified, RawRequest } from './types.ts';
import { registeredUrlField, vendorProfile } from './vendor-profile.ts';

const digestQuery = 'bodySHA256';

/** Twilio signs with and without the standard port; the query is the one of the request, which the signature covers. */
function urlForms(url: string, request: RawRequest): readonly string[] {
  const query = request.publicUrl.indexOf('?');
  const base = url.split('?')[0] ?? url;
  const whole = query === -1 ? url : `${base}${request.publicUrl.slice(query)}`;
  const match = /^(https?):\/\/((?:[^/@]*@)?)([^/:]+|\[[^\]]*\])(:\d+)?(.*)$/s.exec(whole);
  if (match === null) return [whole];
  const [, protocol = '', user = '', host = '', port, rest = ''] = match;
  const standard = protocol === 'https' ? ':443' : ':80';
  const other = port === undefined ? standard : '';
  return port === undefined || port === standard ? [whole, `${protocol}://${user}${host}${other}${rest}`] : [whole];
}

const byForm: SignatureScheme = {
  algorithm: 'sha1',
  header: 'x-twilio-signature',
  encoding: 'base64',
  prefix: '',
  signed: template('{url}{form}'),
  urlForms,
};

/** Other bodies: their hash is in the signed URL; without a body the URL is all there is. */
const byUrl: SignatureScheme = {
  ...byForm,
  signed: { text: '{url}', parts: [{ kind: 'url' }] },
  checkBody: (request) => {
    const given = single(request.query.get(digestQuery));
    if (given.kind === 'none') return request.body.length === 0 ? 'match' : 'none';
    const digest = given.kind === 'one' ? decodeHex(given.value, 32) : undefined;
    if (digest === undefined) return 'mismatch';
    return timingSafeEqual(digest, hash('sha256', request.body, 'buffer')) ? 'match' : 'mismatch';
  },
};

function choose(request: RawRequest): 'form' | 'url' {
  if (request.query.has(digestQuery) || request.body.length === 0) return 'url';
  return mediaType(request) === formType ? 'form' : 'url';
}

/** The fields that tell what happened, of the products in turn. */
const states = [
  'MessageStatus',
  'SmsStatus',
  'CallStatus',
  'RecordingStatus',
  'ConferenceStatus',
  'EventType',
] as const;
const ids = ['MessageSid', 'SmsSid', 'CallSid', 'ConferenceSid', 'RecordingSid'] as const;

function identify(request: RawRequest): Identified {
  const form = mediaType(request) === formType;
  const read = (name: string): string | undefined => {
    if (form) return readFormField(request.body, name);
    return readJsonText(request.body, [name]) ?? request.query.get(name)?.[0];
  };
  const idName = ids.find((name) => read(name) !== undefined);
  const state = states.map(read).find((value) => value !== undefined);
  const kind = idName?.replace(/Sid$/, '').toLowerCase() ?? 'request';
  const name = eventName(state === undefined ? kind : `${kind}.${state}`);
  const id = deliveryId(idName === undefined ? undefined : `${read(idName) ?? ''}.${state ?? ''}`);
  return {
    name,
    type: `com.twilio.${name}`,
    ...(id === undefined ? {} : { deliveryId: id }),
    // One call asks again and again in the same state (`Digits`): only the same request is the same event.
    idSigned: false,
    // Fields may come in another order or with other escapes, and the signature still fits.
    ...(form ? { covered: sortedFormText(request.body) ?? '' } : {}),
  };
}

export const twilio = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'twilio',
    title: 'Twilio',
    documentation: 'https://www.twilio.com/docs/usage/webhooks/webhooks-security',
    // Calls and messages are answered with TwiML.
    defaultMode: 'sync',
    answerBudgetMs: 15_000,
    retriesByItself: false,
    acknowledgement: {
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: '<?xml version="1.0" encoding="UTF-8"?><Response/>',
    },
  }),
  guide: {
    secret: 'The primary "Auth Token" of the account (Console, Account Info).',
    setUp: [
      'In the Twilio console open the phone number, messaging service or application.',
      'Type the URL of the trigger where the product asks for a webhook, with method POST.',
      'Copy the "Auth Token" of the account into the Secret named by `secretRefs`.',
      'Set `url` if the URL typed there is not the public URL of the route (user name, port).',
    ],
    scheme: 'HMAC-SHA1 over URL and sorted form fields, base64, `X-Twilio-Signature`; JSON by its hash in the URL',
    replay: 'No time is signed; duplicates are found by id, state and body.',
    event: 'kind of the resource and its state: `call.ringing`, `message.delivered`',
    id: '`CallSid` or `MessageSid` with the state, taken together with the body',
    vectors: ['twilio-form', 'twilio-port-1234', 'twilio-json', 'twilio-json-2'],
    interop: 'twilio',
    sampleEvent: 'call.ringing',
  },
  fields: registeredUrlField,
  setup: (fields) => {
    const url = fields.url('url');
    const own = url === undefined ? {} : { url };
    const schemes = { form: { ...byForm, ...own }, url: { ...byUrl, ...own } };
    return {
      schemes: [schemes.form, schemes.url],
      choose: (request) => schemes[choose(request)],
      decodeSecret: literalSecret,
      warnings: [],
      identify,
    };
  },
  compose: (event, body, _id, _fields, { url }) => {
    if (event.startsWith('json')) {
      const digest = hash('sha256', body, 'hex');
      return {
        headers: { 'content-type': 'application/json' },
        url: `${url}${url.includes('?') ? '&' : '?'}${digestQuery}=${digest}`,
      };
    }
    return { headers: { 'content-type': formType, 'user-agent': 'TwilioProxy/1.1' }, body: formOfJson(body) };
  },
});
