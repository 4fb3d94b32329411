/** `urlSecret`: a secret in the URL, for senders that can prove nothing else (Docker Hub, WordPress.com, Mailchimp). */
import { genericProfile } from './generic-profile.ts';
import { single } from './read-header.ts';
import { defineTokenReceiver, type FoundToken, type TokenSetup } from './token-receiver.ts';
import type { FieldReader } from './read-fields.ts';
import { pathOf } from './signed-template.ts';

/** Query and path values are decoded text: compared as UTF-8. */
function fromUrl(values: readonly string[] | undefined): FoundToken {
  const value = single(values);
  if (value.kind === 'none') return { ok: false, reason: 'TokenMissing' };
  if (value.kind === 'many') return { ok: false, reason: 'TokenRepeated' };
  return { ok: true, token: Buffer.from(value.value, 'utf8') };
}

function setup(fields: FieldReader): TokenSetup {
  const query = fields.text('query', { max: 64 });
  const segment = fields.text('segment', { max: 64, pattern: /^[A-Za-z_][A-Za-z0-9_]*$/, form: 'a path parameter' });
  if (fields.has('query') === fields.has('segment'))
    fields.mistake('query', 'one of query and segment must be set, and only one');
  if (segment !== undefined) {
    return {
      place: `path parameter ${segment}`,
      find: (request) => {
        const value = request.params.get(segment);
        return fromUrl(value === undefined ? undefined : [value]);
      },
      credentialParams: [segment],
      attach: (secret, url) => {
        const text = encodeURIComponent(Buffer.from(secret, 'latin1').toString('utf8'));
        const [path = '', ...query] = pathOf(url).split('?');
        const segments = path.split('/').map((part) => (part === `:${segment}` ? text : part));
        const placed = [segments.join('/'), ...query].join('?');
        return { headers: {}, target: placed };
      },
    };
  }
  const name = query ?? '';
  return {
    place: `query parameter ${name}`,
    find: (request) => fromUrl(request.query.get(name)),
    credentialQuery: [name],
    attach: (secret, url) => {
      const path = pathOf(url);
      const pair = `${encodeURIComponent(name)}=${encodeURIComponent(Buffer.from(secret, 'latin1').toString('utf8'))}`;
      return { headers: {}, target: `${path}${path.includes('?') ? '&' : '?'}${pair}` };
    },
  };
}

export const urlSecret = defineTokenReceiver({
  profile: genericProfile({
    name: 'urlSecret',
    title: 'Secret in the URL',
    documentation: 'https://owasp.org/www-community/vulnerabilities/Information_exposure_through_query_strings_in_url',
  }),
  guide: {
    secret: 'A long random text that you put into the URL given to the sender.',
    example: { query: 'code' },
    scheme: 'Equality of the query or path value, in constant time',
    replay: 'None: the secret proves nothing about the body, and URLs end up in logs of proxies.',
    event: '`request`',
    vectors: [],
    sampleEvent: 'request',
  },
  fields: {
    query: { type: 'string', minLength: 1, maxLength: 64, description: 'Query parameter that holds the secret: code.' },
    segment: {
      type: 'string',
      minLength: 1,
      maxLength: 64,
      description: 'Path parameter that holds the secret: token, with a path such as hooks/:token.',
    },
  },
  setup,
});
