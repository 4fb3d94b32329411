/** Telegram bots. https://core.telegram.org/bots/api#setwebhook (`secret_token`) and #update */
import { bearer } from './bearer.ts';
import { identified } from './identify-event.ts';
import { defineProvedReceiver } from './proved-receiver.ts';
import { hasJsonValue, readJsonText } from './read-json-pointer.ts';
import type { Identified, RawRequest } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';

/** An update holds exactly one of these beside its id. */
const kinds = [
  'message',
  'edited_message',
  'channel_post',
  'edited_channel_post',
  'business_connection',
  'business_message',
  'edited_business_message',
  'deleted_business_messages',
  'message_reaction',
  'message_reaction_count',
  'inline_query',
  'chosen_inline_result',
  'callback_query',
  'shipping_query',
  'pre_checkout_query',
  'purchased_paid_media',
  'poll',
  'poll_answer',
  'my_chat_member',
  'chat_member',
  'chat_join_request',
  'chat_boost',
  'removed_chat_boost',
] as const;

function identify({ body }: RawRequest): Identified {
  return identified(
    'org.telegram',
    kinds.find((kind) => hasJsonValue(body, [kind])),
    { id: readJsonText(body, ['update_id']), idSigned: false },
  );
}

export const telegram = defineProvedReceiver({
  profile: vendorProfile({
    name: 'telegram',
    title: 'Telegram',
    documentation: 'https://core.telegram.org/bots/api#setwebhook',
    // The answer may be a call of the Bot API.
    defaultMode: 'sync',
    answerBudgetMs: 60_000,
    credentialHeaders: ['x-telegram-bot-api-secret-token'],
  }),
  guide: {
    secret: 'The `secret_token` given to setWebhook: 1 to 256 of `A-Z a-z 0-9 _ -`, chosen by you.',
    setUp: [
      'Put a random text into the Secret named by `secretRefs`.',
      'Call `https://api.telegram.org/botTOKEN/setWebhook` with `url` (the URL of the trigger) and `secret_token` (the text).',
    ],
    scheme: 'Equality of `X-Telegram-Bot-Api-Secret-Token`, in constant time: Telegram signs nothing',
    replay: 'None; duplicates are found by update id and body.',
    event: 'the member beside `update_id`: `message`, `callback_query`',
    id: '`update_id`, not signed',
    vectors: [],
    sampleEvent: 'message',
  },
  prove: () => ({ definition: bearer, fields: { header: 'X-Telegram-Bot-Api-Secret-Token' } }),
  identify,
  compose: () => ({ headers: { 'content-type': 'application/json' } }),
});
