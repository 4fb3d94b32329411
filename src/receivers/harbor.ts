/**
 * Harbor.
 * https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/ ("Auth Header" is sent
 * as the whole value of `Authorization`)
 */
import { bearer } from './bearer.ts';
import { firstHeader } from './read-header.ts';
import { identified } from './identify-event.ts';
import { defineProvedReceiver } from './proved-receiver.ts';
import { readJsonText } from './read-json-pointer.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

/** The default format, and CloudEvents, whose types are `harbor.artifact.pushed`. */
function identify(request: RawRequest): Identified {
  const { body } = request;
  const cloud = readJsonText(body, ['specversion']) !== undefined;
  const word = readJsonText(body, ['type']) ?? firstHeader(request, 'ce-type');
  return identified('io.goharbor', word, {
    id: cloud ? readJsonText(body, ['id']) : firstHeader(request, 'ce-id'),
    idSigned: false,
    subject:
      readJsonText(body, ['event_data', 'repository', 'repo_full_name']) ??
      readJsonText(body, ['data', 'repository', 'repo_full_name']),
  });
}

export const harbor = defineProvedReceiver({
  profile: vendorProfile({
    name: 'harbor',
    title: 'Harbor',
    documentation: 'https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/',
    answerBudgetMs: 10_000,
    // The default format has no id: the body holds the second of the event.
    duplicateBy: 'body',
    duplicateWindowMs: 24 * 3_600_000,
    credentialHeaders: ['authorization'],
  }),
  guide: {
    secret: 'The "Auth Header" of the webhook, whole: with `Bearer …` typed there, the Secret holds `Bearer …` too.',
    setUp: [
      'In Harbor open the project, Webhooks and press "New Webhook".',
      'Choose notify type http, payload format Default or CloudEvents, the events, and type the URL of the trigger as "Endpoint URL".',
      'Type a random text as "Auth Header" and put the same text into the Secret named by `secretRefs`.',
    ],
    scheme: 'Equality of `Authorization`, whole, in constant time: Harbor signs nothing',
    replay: 'None; equal bodies within a day are duplicates.',
    event: '`type`: `PUSH_ARTIFACT`; as CloudEvents `harbor.artifact.pushed`',
    vectors: [],
    sampleEvent: 'PUSH_ARTIFACT',
  },
  prove: () => ({ definition: bearer, fields: { header: 'Authorization' } }),
  identify,
  compose: () => ({ headers: { 'content-type': 'application/json' } }),
});
