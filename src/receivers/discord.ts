/**
 * Discord: interactions (commands, buttons, dialogs) and webhook events.
 * https://discord.com/developers/docs/interactions/overview and https://discord.com/developers/docs/events/webhook-events
 */
import { decodeHex } from './decode-digest.ts';
import { ed25519Key } from './ed25519-key.ts';
import { deliveryId, eventName } from './event-name.ts';
import type { DecodeSecret } from './keyring.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { HostAnswer, Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

const scheme: SignatureScheme = {
  algorithm: 'ed25519',
  header: 'x-signature-ed25519',
  encoding: 'hex',
  prefix: '',
  signed: template('{timestamp}{body}'),
  // Discord states no tolerance and repeats nothing.
  timestamp: { from: { header: 'x-signature-timestamp' }, unit: 's', toleranceMs: 300_000 },
};

const decodeKey: DecodeSecret = (secret) => ed25519Key(decodeHex(Buffer.from(secret).toString('latin1').trim()));

/** `type` of an interaction, and the answer that keeps it open for 15 minutes where there is time to think. */
const interactions: Readonly<Record<string, { readonly word: string; readonly deferred: string }>> = {
  '2': { word: 'command', deferred: '{"type":5}' },
  '3': { word: 'component', deferred: '{"type":6}' },
  '4': { word: 'autocomplete', deferred: '{"type":8,"data":{"choices":[]}}' },
  '5': { word: 'modal', deferred: '{"type":5}' },
};

const json = (body: string): HostAnswer => ({ status: 200, headers: { 'content-type': 'application/json' }, body });

function identify(request: RawRequest): Identified {
  const { body } = request;
  const event = readJsonText(body, ['event', 'type']);
  const interaction = interactions[readJsonText(body, ['type']) ?? ''];
  const detail = readJsonText(body, ['data', 'name']) ?? readJsonText(body, ['data', 'custom_id']);
  const word =
    event ?? (interaction === undefined ? 'request' : `${interaction.word}${detail === undefined ? '' : `.${detail}`}`);
  const name = eventName(word);
  const id = deliveryId(event === undefined ? readJsonText(body, ['id']) : undefined);
  return { name, type: `com.discord.${name}`, ...(id === undefined ? {} : { deliveryId: id }), idSigned: true };
}

/** Interactions ask with type 1, webhook events with type 0. */
function verifiedHandshake(request: RawRequest): HostAnswer | undefined {
  const type = readJsonText(request.body, ['type']);
  if (type === '1' && readJsonText(request.body, ['event', 'type']) === undefined) return json('{"type":1}');
  return type === '0' ? { status: 204, headers: { 'content-type': 'application/json' } } : undefined;
}

function acknowledge(request: RawRequest): HostAnswer {
  const interaction = interactions[readJsonText(request.body, ['type']) ?? ''];
  if (interaction !== undefined) return json(interaction.deferred);
  return { status: 204, headers: { 'content-type': 'application/json' } };
}

export const discord = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'discord',
    title: 'Discord',
    documentation: 'https://discord.com/developers/docs/interactions/overview',
    // The answer is what the user sees.
    defaultMode: 'sync',
    answerBudgetMs: 3000,
    retriesByItself: false,
    acknowledgement: { status: 204, headers: { 'content-type': 'application/json' } },
    minimumSecretBytes: 32,
  }),
  guide: {
    secret: 'The "Public Key" of the application, 64 hex digits; it only verifies (`send` needs a private one of 128).',
    setUp: [
      'In the Discord developer portal open the application, General Information.',
      'Copy the "Public Key" into the Secret named by `secretRefs`.',
      'Apply the function, then type the URL of the trigger into "Interactions Endpoint URL" (or Webhooks, Endpoint) and save: Discord checks it with a right and a wrong signature.',
    ],
    scheme: 'Ed25519 over `{timestamp}{body}`, hex, `X-Signature-Ed25519`',
    handshake: 'A signed ping is answered `{"type":1}` (webhook events: 204); a wrong signature with 401.',
    replay: 'The signed time may be 5 minutes off (Discord states nothing).',
    event: '`command.NAME`, `component.ID`, `autocomplete.NAME`, `modal.ID`; webhook events: `event.type`',
    id: '`id` of the interaction, signed',
    vectors: ['discord-ping', 'discord-command'],
    interop: 'discord-interactions',
    trial:
      'The public key cannot sign: to try it on one machine, put what `openssl rand -hex 64` prints into the Secret instead.',
    sampleEvent: 'command.deploy',
  },
  fields: {},
  setup: () => ({
    schemes: [scheme],
    decodeSecret: decodeKey,
    secretForm: 'a public key of 64 hex digits',
    warnings: [],
    identify,
  }),
  verifiedHandshake,
  acknowledge,
  compose: () => ({ headers: { 'content-type': 'application/json', 'user-agent': 'Discord-Interactions/1.0' } }),
});
