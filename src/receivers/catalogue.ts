/** Every receiver by its name in YAML. One line per sender. */
import { alertmanager } from './alertmanager.ts';
import { awsSns } from './aws-sns.ts';
import { azureAlert } from './azure-alert.ts';
import { azureDevOps } from './azure-devops.ts';
import { basic } from './basic.ts';
import { bearer } from './bearer.ts';
import { bitbucket, bitbucketServer } from './bitbucket.ts';
import { cloudEvents } from './cloud-events.ts';
import { custom } from './custom.ts';
import { discord } from './discord.ts';
import { dockerHub } from './docker-hub.ts';
import { dropbox } from './dropbox.ts';
import { dynamics } from './dynamics.ts';
import { gitea } from './gitea.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { grafana } from './grafana.ts';
import { harbor } from './harbor.ts';
import { hmac } from './hmac.ts';
import { httpSignature } from './http-signature.ts';
import { hubspot } from './hubspot.ts';
import { intercom } from './intercom.ts';
import { jira } from './jira.ts';
import { jwt } from './jwt.ts';
import { kudu } from './kudu.ts';
import { linear } from './linear.ts';
import { mailchimp } from './mailchimp.ts';
import { mandrill } from './mandrill.ts';
import { instagram, meta } from './meta.ts';
import { myget } from './myget.ts';
import { open } from './open.ts';
import { pagerduty } from './pagerduty.ts';
import { paypal } from './paypal.ts';
import { pusher } from './pusher.ts';
import { salesforce } from './salesforce.ts';
import { sentry } from './sentry.ts';
import { shopify } from './shopify.ts';
import { slack } from './slack.ts';
import { square } from './square.ts';
import { standardWebhooks } from './standard-webhooks.ts';
import { stripe } from './stripe.ts';
import { svix } from './svix.ts';
import { telegram } from './telegram.ts';
import { trello } from './trello.ts';
import { twilio } from './twilio.ts';
import type { ReceiverDefinition } from './types.ts';
import { urlSecret } from './url-secret.ts';
import { wordpress } from './wordpress.ts';
import { zendesk } from './zendesk.ts';

const definitions: readonly ReceiverDefinition[] = [
  open,
  bearer,
  basic,
  hmac,
  urlSecret,
  custom,
  standardWebhooks,
  jwt,
  httpSignature,
  cloudEvents,
  github,
  gitlab,
  bitbucket,
  bitbucketServer,
  slack,
  stripe,
  dropbox,
  trello,
  shopify,
  meta,
  instagram,
  mailchimp,
  mandrill,
  paypal,
  twilio,
  zendesk,
  discord,
  azureDevOps,
  azureAlert,
  dynamics,
  kudu,
  myget,
  pusher,
  salesforce,
  wordpress,
  linear,
  sentry,
  pagerduty,
  hubspot,
  square,
  intercom,
  jira,
  dockerHub,
  alertmanager,
  gitea,
  grafana,
  harbor,
  telegram,
  svix,
  awsSns,
];

/** The catalogue: source of the schema, the reference page, `moonhook receivers` and the request path. */
export const receivers: ReadonlyMap<string, ReceiverDefinition> = new Map(
  definitions.map((definition) => [definition.profile.name, definition]),
);
