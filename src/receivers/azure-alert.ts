/** Azure Monitor alerts (action groups). https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups */
import { identified } from './identify-event.ts';
import { jwt } from './jwt.ts';
import { defineProvedReceiver } from './proved-receiver.ts';
import { readJsonText } from './read-json-pointer.ts';
import type { Identified, RawRequest } from './types.ts';
import { urlSecret } from './url-secret.ts';
import { vendorProfile } from './vendor-profile.ts';

/** The common schema, and the older ones of metric and log alerts. */
function identify({ body }: RawRequest): Identified {
  const essentials = (name: string): string | undefined => readJsonText(body, ['data', 'essentials', name]);
  const condition = essentials('monitorCondition') ?? readJsonText(body, ['status']);
  const alert = essentials('alertId') ?? readJsonText(body, ['context', 'id']);
  const moment =
    essentials('resolvedDateTime') ?? essentials('firedDateTime') ?? readJsonText(body, ['context', 'timestamp']);
  return identified('com.azure.monitor', condition?.toLowerCase(), {
    id: alert === undefined ? undefined : `${alert}:${condition ?? ''}:${moment ?? ''}`,
    idSigned: false,
    source: alert,
    subject: essentials('alertRule') ?? readJsonText(body, ['context', 'name']),
  });
}

export const azureAlert = defineProvedReceiver({
  profile: vendorProfile({
    name: 'azureAlert',
    title: 'Azure Monitor alerts',
    documentation: 'https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups',
    answerBudgetMs: 10_000,
    secretsRequired: 0,
  }),
  guide: {
    secret:
      'A random text of at least 32 characters in the URL: `?code=…`; none with `proof: { jwt }` (secure webhook).',
    setUp: [
      'In the Azure portal open Monitor, Alerts, Action groups and create or edit a group.',
      'Add an action "Webhook" with the URL of the trigger followed by `?code=` and the text in the Secret named by `secretRefs`, and enable the common alert schema.',
      'Safer: add a "Secure Webhook" and set `proof: { jwt: { issuer, audiences, jwksUrl, claims: { roles: ActionGroupsSecureWebhook } } }`.',
    ],
    scheme: 'Equality of the secret in the URL, or a signed token of Entra ID; the body is not signed',
    replay: 'None; duplicates are found by alert, condition, time and body.',
    event: '`monitorCondition`: `fired`, `resolved`; older schemas `activated`, `deactivated`',
    id: 'alert, condition and time, not signed',
    vectors: [],
    sampleEvent: 'fired',
  },
  proofs: [urlSecret, jwt],
  defaults: { urlSecret: { query: 'code' } },
  identify,
  compose: () => ({ headers: { 'content-type': 'application/json; charset=utf-8' } }),
});
