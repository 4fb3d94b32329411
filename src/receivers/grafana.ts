/**
 * Grafana Alerting contact points of type webhook.
 * https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
 * and, for the signed text (body, or `seconds:body` with a timestamp header), http/hmac.go of grafana/alerting.
 */
import { basic } from './basic.ts';
import { bearer } from './bearer.ts';
import { hmac } from './hmac.ts';
import { identified } from './identify-event.ts';
import { defineProvedReceiver } from './proved-receiver.ts';
import { readJsonText } from './read-json-pointer.ts';
import { vendorProfile } from './vendor-profile.ts';

export const grafana = defineProvedReceiver({
  profile: vendorProfile({
    name: 'grafana',
    title: 'Grafana Alerting',
    documentation:
      'https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/',
    answerBudgetMs: 30_000,
    // The same group comes again by design, as long as its alerts fire: a repeat is news.
    duplicateBy: 'none',
  }),
  guide: {
    secret: 'The "Secret" of "HMAC Signature" in the contact point (since 11.6), used as text.',
    setUp: [
      'In Grafana open Alerting, Contact points and add one of type Webhook with the URL of the trigger.',
      'Under "Optional Webhook settings", "HMAC Signature", type a random text as "Secret" and `X-Grafana-Alerting-Timestamp` as "Timestamp Header"; put the text into the Secret named by `secretRefs`.',
      'Set `timestampHeader: X-Grafana-Alerting-Timestamp` here, and press "Test" there.',
      'Point a notification policy at the contact point.',
    ],
    example: { timestampHeader: 'X-Grafana-Alerting-Timestamp' },
    scheme:
      'HMAC-SHA256 over the body, or `{timestamp}:{body}` with `timestampHeader`, hex, `X-Grafana-Alerting-Signature`',
    replay: 'With `timestampHeader` the signed time may be 5 minutes off; else none.',
    event: '`status`: `firing`, `resolved`',
    vectors: ['grafana-body', 'grafana-time'],
    sampleEvent: 'firing',
  },
  fields: {
    header: {
      type: 'string',
      minLength: 1,
      maxLength: 64,
      description: 'Header of the signature, where another than X-Grafana-Alerting-Signature is set at Grafana.',
    },
    timestampHeader: {
      type: 'string',
      minLength: 1,
      maxLength: 64,
      description: 'The "Timestamp Header" set at Grafana: the time is then signed, and may be 5 minutes off.',
    },
  },
  proofs: [basic, bearer],
  prove: (reader) => {
    const header = reader.header('header') ?? 'X-Grafana-Alerting-Signature';
    const timestamp = reader.header('timestampHeader');
    const signed = { signed: '{timestamp}:{body}', timestamp: { header: timestamp, unit: 's' } };
    return { definition: hmac, fields: { signature: { header }, ...(timestamp === undefined ? {} : signed) } };
  },
  identify: ({ body }) =>
    identified('com.grafana', readJsonText(body, ['status']), {
      idSigned: false,
      source: readJsonText(body, ['externalURL']),
      subject: readJsonText(body, ['groupKey']),
    }),
  compose: () => ({ headers: { 'content-type': 'application/json', 'user-agent': 'Grafana' } }),
});
