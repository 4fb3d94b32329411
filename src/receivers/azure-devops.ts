/** Azure DevOps service hooks. https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks */
import { basic } from './basic.ts';
import { bearer } from './bearer.ts';
import { identified } from './identify-event.ts';
import { jwt } from './jwt.ts';
import { defineProvedReceiver } from './proved-receiver.ts';
import { readJsonText } from './read-json-pointer.ts';
import type { Identified, RawRequest } from './types.ts';
import { urlSecret } from './url-secret.ts';
import { vendorProfile } from './vendor-profile.ts';

function identify({ body }: RawRequest): Identified {
  const id = readJsonText(body, ['id']);
  const number = readJsonText(body, ['notificationId']);
  return identified('com.azure.devops', readJsonText(body, ['eventType']), {
    id: id === undefined ? undefined : `${id}:${number ?? ''}`,
    idSigned: false,
    source: readJsonText(body, ['resourceContainers', 'project', 'baseUrl']),
  });
}

export const azureDevOps = defineProvedReceiver({
  profile: vendorProfile({
    name: 'azureDevOps',
    title: 'Azure DevOps',
    documentation: 'https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks',
    answerBudgetMs: 10_000,
    secretsRequired: 0,
  }),
  guide: {
    secret: 'The basic authentication password of the service hook (or the value of its own header).',
    setUp: [
      'In the project open Project settings, Service hooks, press "+" and choose "Web Hooks".',
      'Choose the event, then type the URL of the trigger, a user name and the password of the Secret named by `secretRefs`.',
      'Press "Test", then "Finish".',
    ],
    scheme: 'Equality of user and password (basic authentication) by default, in constant time: nothing is signed',
    replay: 'None; duplicates are found by id, notification and body.',
    event: '`eventType`: `git.push`',
    id: '`id` and `notificationId`, not signed',
    vectors: [],
    sampleEvent: 'git.push',
  },
  proofs: [basic, bearer, urlSecret, jwt],
  defaults: { urlSecret: { query: 'code' } },
  identify,
  compose: () => ({ headers: { 'content-type': 'application/json; charset=utf-8' } }),
});
