/** Linear. https://linear.app/developers/webhooks */
import { withAction } from './event-name.ts';
import { bodyScheme, identified } from './identify-event.ts';
import { firstHeader } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

// The time is the one in the signed body: the header of the same name is not signed.
const scheme: SignatureScheme = {
  ...bodyScheme('linear-signature'),
  timestamp: { from: { body: ['webhookTimestamp'] }, unit: 'ms', toleranceMs: 60_000 },
};

function identify(request: RawRequest): Identified {
  const word = readJsonText(request.body, ['type']) ?? firstHeader(request, 'linear-event');
  const name = withAction(word ?? 'request', readJsonText(request.body, ['action']));
  return identified('app.linear', name, {
    id: firstHeader(request, 'linear-delivery'),
    idSigned: false,
    source: readJsonText(request.body, ['url']),
  });
}

export const linear = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'linear',
    title: 'Linear',
    documentation: 'https://linear.app/developers/webhooks',
    answerBudgetMs: 5000,
  }),
  guide: {
    secret: 'The "Signing secret" of the webhook (`lin_wh_…`), as it is shown.',
    setUp: [
      'In Linear open Settings, Administration, API and press "New webhook".',
      'Type the URL of the trigger and choose the data that counts.',
      'Copy the "Signing secret" of the webhook into the Secret named by `secretRefs`.',
    ],
    scheme: 'HMAC-SHA256 over the body, hex, `Linear-Signature`',
    replay: '`webhookTimestamp` of the signed body may be a minute off.',
    event: '`type` and `action`: `Issue.create`',
    id: '`Linear-Delivery`, not signed',
    vectors: ['linear'],
    interop: '@linear/sdk',
    sampleEvent: 'Issue.create',
  },
  fields: {},
  setup: () => ({ schemes: [scheme], decodeSecret: literalSecret, warnings: [], identify }),
  compose: (event, body, id, _fields, { nowMs }) => ({
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'linear-event': event.split('.')[0] ?? event,
      'linear-delivery': id,
    },
    body: withTime(body, nowMs),
  }),
});

/** The time of sending belongs into the body; one that is there already is brought up to date. */
function withTime(body: Uint8Array, nowMs: number): Uint8Array {
  const text = Buffer.from(body).toString('utf8');
  if (/"webhookTimestamp"\s*:\s*\d+/.test(text)) {
    return Buffer.from(text.replace(/("webhookTimestamp"\s*:\s*)\d+/, `$1${nowMs}`));
  }
  const open = text.indexOf('{');
  if (open === -1) return body;
  const comma = /^\s*\}/.test(text.slice(open + 1)) ? '' : ',';
  return Buffer.from(`${text.slice(0, open + 1)}"webhookTimestamp":${nowMs}${comma}${text.slice(open + 1)}`);
}
