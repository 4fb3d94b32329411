/** Every receiver by its name in YAML. One line per sender. */
import { basic } from './basic.ts';
import { bearer } from './bearer.ts';
import { bitbucket, bitbucketServer } from './bitbucket.ts';
import { custom } from './custom.ts';
import { dropbox } from './dropbox.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { hmac } from './hmac.ts';
import { open } from './open.ts';
import { shopify } from './shopify.ts';
import { slack } from './slack.ts';
import { standardWebhooks } from './standard-webhooks.ts';
import { stripe } from './stripe.ts';
import { trello } from './trello.ts';
import type { ReceiverDefinition } from './types.ts';
import { urlSecret } from './url-secret.ts';

const definitions: readonly ReceiverDefinition[] = [
  open,
  bearer,
  basic,
  hmac,
  urlSecret,
  custom,
  standardWebhooks,
  github,
  gitlab,
  bitbucket,
  bitbucketServer,
  slack,
  stripe,
  dropbox,
  trello,
  shopify,
];

/** The catalogue: source of the schema, the reference page, `moonhook receivers` and the request path. */
export const receivers: ReadonlyMap<string, ReceiverDefinition> = new Map(
  definitions.map((definition) => [definition.profile.name, definition]),
);
