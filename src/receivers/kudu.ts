/** Kudu, the deployment engine of Azure App Service. https://github.com/projectkudu/kudu/wiki/Web-hooks */
import { basic } from './basic.ts';
import { identified } from './identify-event.ts';
import { defineProvedReceiver } from './proved-receiver.ts';
import { readJsonText } from './read-json-pointer.ts';
import { vendorProfile } from './vendor-profile.ts';

export const kudu = defineProvedReceiver({
  profile: vendorProfile({
    name: 'kudu',
    title: 'Kudu (Azure App Service deployments)',
    documentation: 'https://github.com/projectkudu/kudu/wiki/Web-hooks',
    answerBudgetMs: 10_000,
    // One try each.
    retriesByItself: false,
    credentialHeaders: ['authorization'],
  }),
  guide: {
    secret: 'The password in the URL: `https://deploy:PASSWORD@…`; the user name is free unless `usernames` lists it.',
    setUp: [
      'Open `https://SITE.scm.azurewebsites.net`, Tools, Web hooks.',
      'Type the URL of the trigger with a user name and the password of the Secret named by `secretRefs` before the host: `https://deploy:PASSWORD@hooks.example.com/…`.',
      'Choose "PostDeployment" and press "Add".',
    ],
    scheme: 'Equality of user and password (basic authentication), in constant time: Kudu signs nothing',
    replay: 'None; duplicates are found by deployment, status and body.',
    event: '`status`: `success`, `failed`',
    id: '`id` and `status`, not signed',
    vectors: [],
    sampleEvent: 'success',
  },
  fields: basic.fields,
  prove: (_reader, given) => ({
    definition: basic,
    fields: given['usernames'] === undefined ? {} : { usernames: given['usernames'] },
  }),
  identify: ({ body }) => {
    const status = readJsonText(body, ['status']);
    const id = readJsonText(body, ['id']);
    return identified('net.azurewebsites.kudu', status, {
      id: id === undefined ? undefined : `${id}:${status ?? ''}`,
      idSigned: false,
      source: readJsonText(body, ['siteName']),
    });
  },
  compose: () => ({ headers: { 'content-type': 'application/json' } }),
});
