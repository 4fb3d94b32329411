/** Docker Hub. https://docs.docker.com/docker-hub/repos/manage/webhooks/ */
import { identified } from './identify-event.ts';
import { defineProvedReceiver, urlSecretFields, urlSecretOf } from './proved-receiver.ts';
import { readJsonText } from './read-json-pointer.ts';
import type { RawRequest } from './types.ts';
import { urlSecret } from './url-secret.ts';
import { vendorProfile } from './vendor-profile.ts';

function idOf({ body }: RawRequest): string | undefined {
  const parts = [
    readJsonText(body, ['repository', 'repo_name']),
    readJsonText(body, ['push_data', 'tag']),
    readJsonText(body, ['push_data', 'pushed_at']),
  ];
  return parts.includes(undefined) ? undefined : parts.join(':');
}

export const dockerHub = defineProvedReceiver({
  profile: vendorProfile({
    name: 'dockerHub',
    title: 'Docker Hub',
    documentation: 'https://docs.docker.com/docker-hub/repos/manage/webhooks/',
    answerBudgetMs: 10_000,
  }),
  guide: {
    secret: 'A random text of at least 32 characters that you append to the URL: `?code=…`.',
    setUp: [
      'On Docker Hub open the repository, Webhooks.',
      'Type a name, and the URL of the trigger followed by `?code=` and the text in the Secret named by `secretRefs`; press "Create".',
      'Look the image up by its digest before it is used: the body is not signed.',
    ],
    scheme: 'Equality of the secret in the URL, in constant time: Docker Hub signs nothing',
    replay: 'None; duplicates are found by image, tag and time of the push.',
    event: 'always `push`',
    id: 'image, tag and time of the push, not signed',
    vectors: [],
    sampleEvent: 'push',
  },
  fields: urlSecretFields,
  prove: (_reader, given) => ({ definition: urlSecret, fields: urlSecretOf(given) }),
  identify: (request) =>
    identified('com.docker', 'push', {
      id: idOf(request),
      idSigned: false,
      source: readJsonText(request.body, ['repository', 'repo_url']),
    }),
  compose: () => ({ headers: { 'content-type': 'application/json' } }),
});
