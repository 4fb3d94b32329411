/** Prometheus Alertmanager. https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
import { basic } from './basic.ts';
import { bearer } from './bearer.ts';
import { identified } from './identify-event.ts';
import { defineProvedReceiver } from './proved-receiver.ts';
import { readJsonText } from './read-json-pointer.ts';
import { urlSecret } from './url-secret.ts';
import { vendorProfile } from './vendor-profile.ts';

export const alertmanager = defineProvedReceiver({
  profile: vendorProfile({
    name: 'alertmanager',
    title: 'Prometheus Alertmanager',
    documentation: 'https://prometheus.io/docs/alerting/latest/configuration/#webhook_config',
    answerBudgetMs: 10_000,
    // The same group comes again by design, as long as its alerts fire: a repeat is news.
    duplicateBy: 'none',
    secretsRequired: 0,
  }),
  guide: {
    secret: 'The credentials (or the password) in `http_config` of the receiver.',
    setUp: [
      'In the configuration of Alertmanager add a receiver with `webhook_configs: [{ url: URL of the trigger, http_config: { authorization: { credentials_file: … } } }]`.',
      'Put the same text into the Secret named by `secretRefs`; with `basic_auth` set `proof: { basic: {} }` here.',
      'Route alerts to the receiver and reload Alertmanager.',
    ],
    scheme: 'Equality of the bearer token (or of a password), in constant time: nothing is signed',
    replay: 'None: the same group comes again by design.',
    event: '`status`: `firing`, `resolved`',
    vectors: [],
    sampleEvent: 'firing',
  },
  proofs: [bearer, basic, urlSecret],
  defaults: { urlSecret: { query: 'code' } },
  identify: ({ body }) =>
    identified('io.prometheus.alertmanager', readJsonText(body, ['status']), {
      idSigned: false,
      source: readJsonText(body, ['externalURL']),
      subject: readJsonText(body, ['groupKey']),
    }),
  compose: () => ({ headers: { 'content-type': 'application/json', 'user-agent': 'Alertmanager' } }),
});
