/** Pusher Channels. https://pusher.com/docs/channels/server_api/webhooks/ */
import { keyReference, secretReferences } from '../function/schema-parts.ts';
import { batchName, jsonItems, textAt } from './batch-items.ts';
import { deliveryId } from './event-name.ts';
import { bodyScheme } from './identify-event.ts';
import { FieldReader, type Fields } from './read-fields.ts';
import { single } from './read-header.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type {
  Identified,
  PreparedReceiver,
  RawRequest,
  ReceiverDefinition,
  ReceiverSecrets,
  SecretField,
} from './types.ts';
import { vendorProfile } from './vendor-profile.ts';
import { refuse } from './verdict.ts';

const keyHeader = 'x-pusher-key';

function identify({ body }: RawRequest): Identified {
  const time = deliveryId(textAt(body, 'time_ms'));
  const items = jsonItems(body, ['events'], 'com.pusher', (item) => ({ name: textAt(item, 'name') }))?.map(
    // The time of the batch and the place in it: the same thing may happen again later.
    (item) => ({ ...item, ...(time === undefined ? {} : { deliveryId: `${time}${item.pointer}` }) }),
  );
  const name = items === undefined ? 'request' : batchName(items);
  return { name, type: `com.pusher.${name}`, idSigned: true, ...(items === undefined ? {} : { items }) };
}

const base = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'pusher',
    title: 'Pusher Channels',
    documentation: 'https://pusher.com/docs/channels/server_api/webhooks/',
    answerBudgetMs: 4000,
    // Repeats go on for five minutes.
    duplicateBy: 'body',
    duplicateWindowMs: 10 * 60_000,
    secretsRequired: 0,
  }),
  guide: {
    secret: 'The "secret" of an application key; `keys` binds several to the ids in `X-Pusher-Key`.',
    setUp: [
      'In the Pusher dashboard open the app, App Keys, and copy "secret" into a Secret.',
      'Name it in `secretRefs`, or with its "key" in `keys: [{ id, secretRef }]`.',
      'Open Webhooks, add the URL of the trigger and choose the event type.',
    ],
    scheme: 'HMAC-SHA256 over the body, hex, `X-Pusher-Signature`, with the secret that `X-Pusher-Key` names',
    replay: 'No time is compared; equal events within ten minutes are duplicates.',
    event: '`name` of each of `events`',
    vectors: ['pusher'],
    interop: 'pusher',
    sampleEvent: 'channel_occupied',
  },
  fields: {
    secretRefs: secretReferences(
      'Secrets of application keys, whatever `X-Pusher-Key` says: all verify, the first signs.',
    ),
    keys: {
      type: 'array',
      minItems: 1,
      maxItems: 8,
      description: 'Application keys with their secrets; X-Pusher-Key says which one signed.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['id'],
      items: {
        type: 'object',
        description: 'One application key.',
        required: ['id', 'secretRef'],
        properties: {
          id: { type: 'string', minLength: 1, maxLength: 64, description: 'The "key" of the application key.' },
          secretRef: keyReference('Secret with the "secret" of the application key.', 'Secret'),
        },
      },
    },
  },
  setup: (fields) => {
    readKeys(fields);
    return { schemes: [bodyScheme('x-pusher-signature')], decodeSecret: literalSecret, warnings: [], identify };
  },
  compose: (_event, _body, _id, fields) => {
    const [id = 'app-key'] = readKeys(new FieldReader(fields)).keys();
    return { headers: { 'content-type': 'application/json', [keyHeader]: id } };
  },
});

/** Path of each key's secret by the key's id. */
function readKeys(fields: FieldReader): ReadonlyMap<string, SecretField> {
  const keys = new Map<string, SecretField>();
  for (const [index, key] of (fields.objects('keys', 8) ?? []).entries()) {
    key.allowOnly(['id', 'secretRef']);
    const id = key.text('id', { max: 64 });
    const reference = key.reference('secretRef');
    if (id === undefined || reference === undefined) key.mistake('', 'must have id and secretRef');
    else if (keys.has(id)) key.mistake('id', 'is there twice');
    else keys.set(id, { path: `keys[${index}].secretRef`, reference });
  }
  return keys;
}

function withKeys(inner: PreparedReceiver, keys: ReadonlyMap<string, SecretField>): PreparedReceiver {
  if (keys.size === 0) return { ...inner, profile: { ...inner.profile, secretsRequired: 1 } };
  return {
    ...inner,
    verify: (request, secrets, tools) => {
      const id = single(request.headers.get(keyHeader));
      const field = id.kind === 'one' ? keys.get(id.value) : undefined;
      if (field === undefined && request.headers.has(keyHeader) && secrets.secrets.length === 0) {
        return refuse('KeyUnknown', 'key', [], keyHeader);
      }
      const bound = field === undefined ? undefined : secrets.named?.get(field.path);
      return inner.verify(request, bound === undefined ? secrets : { secrets: [bound] }, tools);
    },
  };
}

export const pusher: ReceiverDefinition = {
  ...base,
  required: [],
  prepare: (fields: Fields) => {
    const result = base.prepare(fields);
    if (!result.ok) return result;
    return { ok: true, receiver: withKeys(result.receiver, readKeys(new FieldReader(fields))) };
  },
  secretFields: (fields) => [...readKeys(new FieldReader(fields)).values()],
  sign: (event, body, url, fields, secrets, tools) => {
    const [field] = readKeys(new FieldReader(fields)).values();
    const bound = field === undefined ? undefined : secrets.named?.get(field.path);
    const signing: ReceiverSecrets = bound === undefined ? secrets : { secrets: [bound] };
    return base.sign(event, body, url, fields, signing, tools);
  },
};
