/**
 * Meta: Facebook pages, WhatsApp, Instagram.
 * https://developers.facebook.com/docs/graph-api/webhooks/getting-started
 */
import { keyReference } from '../function/schema-parts.ts';
import { findEqualSecret } from './compare-secret.ts';
import { batchName, jsonItems, maxBatchItems, textAt } from './batch-items.ts';
import { eventName } from './event-name.ts';
import { single } from './read-header.ts';
import { FieldReader } from './read-fields.ts';
import { hasJsonValue, readJsonElements, readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type {
  BatchItem,
  HostAnswer,
  Identified,
  RawRequest,
  ReceiverDefinition,
  ReceiverSecrets,
  SecretField,
} from './types.ts';
import { echo, vendorProfile } from './vendor-profile.ts';

// The SHA-1 of the same body that Meta sends beside it is not looked at.
const scheme: SignatureScheme = {
  algorithm: 'sha256',
  header: 'x-hub-signature-256',
  encoding: 'hex',
  prefix: 'sha256=',
  signed: template('{body}'),
};

/** `GET ?hub.mode=subscribe&hub.verify_token=…&hub.challenge=…` when the URL is registered. */
function handshake(request: RawRequest, { named }: ReceiverSecrets): HostAnswer | undefined {
  const mode = single(request.query.get('hub.mode'));
  if (request.method !== 'GET' || mode.kind !== 'one' || mode.value !== 'subscribe') return undefined;
  const token = single(request.query.get('hub.verify_token'));
  const challenge = single(request.query.get('hub.challenge'));
  const expected = named?.get('verifyTokenRef');
  // The challenge of a caller who does not know the token is not repeated.
  if (expected === undefined || token.kind !== 'one' || challenge.kind !== 'one') return { status: 403 };
  if (findEqualSecret(Buffer.from(token.value, 'utf8'), [expected]) === -1) return { status: 403 };
  return echo(challenge.value) ?? { status: 400 };
}

/** Every change and message of every entry: one delivery may hold many. */
function itemsOf(body: Uint8Array, object: string): readonly BatchItem[] | undefined {
  const entries = readJsonElements(body, ['entry'], maxBatchItems);
  if (entries === undefined) return undefined;
  const items = entries.flatMap((entry, index) =>
    ['changes', 'messaging', 'standby'].flatMap((list) =>
      (
        jsonItems(entry, [list], 'com.meta', (item) => ({
          name: `${object}.${textAt(item, 'field') ?? messageKind(item)}`,
          id: textAt(item, 'message', 'mid') ?? textAt(item, 'value', 'messages', '0', 'id'),
        })) ?? []
      ).map((item) => ({ ...item, pointer: `/entry/${index}${item.pointer}` })),
    ),
  );
  return items.length === 0 || items.length > maxBatchItems ? undefined : items;
}

const kinds = ['message', 'postback', 'reaction', 'read', 'delivery', 'optin', 'referral'] as const;

function messageKind(item: Uint8Array): string {
  return kinds.find((kind) => hasJsonValue(item, [kind])) ?? 'messaging';
}

function identify(request: RawRequest): Identified {
  const object = readJsonText(request.body, ['object']) ?? 'request';
  const items = itemsOf(request.body, object);
  const name = eventName(items === undefined ? object : batchName(items));
  return { name, type: `com.meta.${name}`, idSigned: true, ...(items === undefined ? {} : { items }) };
}

const fields = {
  verifyTokenRef: keyReference('Secret with the verify token that you type beside the URL at Meta.', 'Secret'),
};

function defineMeta(name: string, title: string, documentation: string, object: string): ReceiverDefinition {
  const base = defineSignatureReceiver({
    profile: vendorProfile({
      name,
      title,
      documentation,
      answerBudgetMs: 5000,
      handshakeMethods: ['GET'],
      duplicateBy: 'body',
      // Repeats go on for one to two days.
      duplicateWindowMs: 48 * 3_600_000,
      credentialHeaders: ['x-hub-signature'],
      credentialQuery: ['hub.verify_token'],
    }),
    guide: {
      secret: 'The "App secret" of the app (App settings, Basic); `verifyTokenRef`: a text of your own choice.',
      setUp: [
        'In the Meta app dashboard open App settings, Basic and copy the "App secret" into the Secret named by `secretRefs`.',
        'Put a random text into the Secret named by `verifyTokenRef`.',
        'Add the product "Webhooks", choose the object, press "Subscribe to this object", and type the URL of the trigger and the verify token.',
        'Subscribe to the fields you want.',
      ],
      example: { verifyTokenRef: { name, key: 'verifyToken' } },
      scheme: 'HMAC-SHA256 over the body, hex, `X-Hub-Signature-256: sha256=…`',
      handshake: '`GET ?hub.challenge=…` with the right `hub.verify_token` is answered with the challenge, else 403.',
      replay: 'No time is signed; equal items within two days are duplicates.',
      event: '`object` and `field` of each change: `page.feed`; messages `page.message`',
      id: 'id of the message, signed; other items by their bytes',
      vectors: name === 'meta' ? ['meta-empty', 'meta-utf8', 'meta-escaped'] : ['instagram'],
      sampleEvent: `${object}.${object === 'page' ? 'feed' : 'comments'}`,
    },
    fields,
    setup: (reader) => {
      const token = reader.reference('verifyTokenRef');
      return {
        schemes: [scheme],
        decodeSecret: literalSecret,
        warnings:
          token === undefined ? ['no verifyTokenRef: Meta cannot check the URL, so it cannot be registered'] : [],
        identify,
      };
    },
    handshake,
    compose: () => ({ headers: { 'content-type': 'application/json' } }),
  });
  return { ...base, secretFields: secretFieldsOf };
}

function secretFieldsOf(given: Readonly<Record<string, unknown>>): readonly SecretField[] {
  const reference = new FieldReader(given).reference('verifyTokenRef');
  return reference === undefined ? [] : [{ path: 'verifyTokenRef', reference }];
}

export const meta = defineMeta(
  'meta',
  'Meta (Facebook, WhatsApp, Messenger)',
  'https://developers.facebook.com/docs/graph-api/webhooks/getting-started',
  'page',
);

export const instagram = defineMeta(
  'instagram',
  'Instagram',
  'https://developers.facebook.com/docs/instagram-platform/webhooks',
  'instagram',
);
