/**
 * Slack: Events API, slash commands and interactivity.
 * https://docs.slack.dev/authentication/verifying-requests-from-slack and https://docs.slack.dev/apis/events-api
 */
import { deliveryId, eventName } from './event-name.ts';
import { readFormField } from './form-body.ts';
import { mediaType, single } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { defineSignatureReceiver, literalSecret } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { HostAnswer, Identified, RawRequest } from './types.ts';
import { echo, vendorProfile } from './vendor-profile.ts';

const scheme: SignatureScheme = {
  algorithm: 'sha256',
  header: 'x-slack-signature',
  encoding: 'hex',
  prefix: 'v0=',
  signed: template('v0:{timestamp}:{body}'),
  timestamp: { from: { header: 'x-slack-request-timestamp' }, unit: 's', toleranceMs: 300_000 },
};

const isForm = (request: RawRequest): boolean => mediaType(request) === 'application/x-www-form-urlencoded';

function identified(word: string, id: string | undefined, formField?: string): Identified {
  const name = eventName(word);
  const usable = deliveryId(id);
  return {
    name,
    type: `com.slack.${name}`,
    ...(usable === undefined ? {} : { deliveryId: usable }),
    idSigned: true,
    ...(formField === undefined ? {} : { formField }),
  };
}

function identify(request: RawRequest): Identified {
  if (!isForm(request)) {
    const type = readJsonText(request.body, ['event', 'type']) ?? readJsonText(request.body, ['type']);
    return identified(type ?? 'request', readJsonText(request.body, ['event_id']));
  }
  const payload = readFormField(request.body, 'payload');
  if (payload !== undefined) {
    const json = Buffer.from(payload);
    return identified(readJsonText(json, ['type']) ?? 'request', readJsonText(json, ['trigger_id']), 'payload');
  }
  const command = readFormField(request.body, 'command');
  const word = command === undefined ? 'request' : `slash_command.${command.replace(/^\//, '')}`;
  return identified(word, readFormField(request.body, 'trigger_id'));
}

/** Slack looks now and then whether the certificate of a command's URL is valid. */
function certificateCheck(request: RawRequest): HostAnswer | undefined {
  if (request.method !== 'GET') return undefined;
  const check = single(request.query.get('ssl_check'));
  return check.kind === 'one' && check.value === '1' ? { status: 200 } : undefined;
}

function verifiedHandshake(request: RawRequest): HostAnswer | undefined {
  if (isForm(request)) return readFormField(request.body, 'ssl_check') === '1' ? { status: 200 } : undefined;
  if (readJsonText(request.body, ['type']) !== 'url_verification') return undefined;
  return echo(readJsonText(request.body, ['challenge'])) ?? { status: 400 };
}

export const slack = defineSignatureReceiver({
  profile: vendorProfile({
    name: 'slack',
    title: 'Slack',
    documentation: 'https://docs.slack.dev/authentication/verifying-requests-from-slack',
    answerBudgetMs: 3000,
    handshakeMethods: ['GET'],
  }),
  guide: {
    secret: 'The "Signing Secret" of the app (Basic Information, App Credentials).',
    setUp: [
      'On api.slack.com open the app, Basic Information, App Credentials, and copy the "Signing Secret" into the Secret named by `secretRefs`.',
      'Apply the function, then type the URL of the trigger under Event Subscriptions ("Request URL"), Slash Commands or Interactivity.',
      'Events: subscribe to bot events and reinstall the app. Commands and buttons show their answer to the user: use `mode: sync` there.',
    ],
    scheme: 'HMAC-SHA256 over `v0:{timestamp}:{body}`, hex, `X-Slack-Signature: v0=…`',
    handshake: '`url_verification` is answered with its challenge, after verification; `ssl_check` with 200.',
    replay: 'The signed time may be 5 minutes off.',
    event: '`event.type`; for buttons and dialogs `type` of the payload; for commands `slash_command.NAME`',
    id: '`event_id`, for the others `trigger_id`, signed',
    vectors: ['slack-event-json'],
    interop: '@slack/bolt',
    sampleEvent: 'app_mention',
  },
  fields: {},
  setup: () => ({ schemes: [scheme], decodeSecret: literalSecret, warnings: [], identify }),
  handshake: certificateCheck,
  verifiedHandshake,
  compose: () => ({ headers: { 'content-type': 'application/json', 'user-agent': 'Slackbot 1.0' } }),
});
