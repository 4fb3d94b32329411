/**
 * Salesforce outbound messages (SOAP 1.1).
 * https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging.htm
 */
import { batchName, maxBatchItems } from './batch-items.ts';
import { deliveryId, eventName } from './event-name.ts';
import { defineProvedReceiver, urlSecretFields, urlSecretOf } from './proved-receiver.ts';
import type { BatchItem, HostAnswer, Identified, RawRequest } from './types.ts';
import { urlSecret } from './url-secret.ts';
import { vendorProfile } from './vendor-profile.ts';
import { elementsNamed, isPlainXml, onlyText } from './xml-elements.ts';

const text = ({ body }: RawRequest): string => Buffer.from(body).toString('utf8');

/** Anything but this makes Salesforce send again for a day. */
const acknowledgement: HostAnswer = {
  status: 200,
  headers: { 'content-type': 'text/xml; charset=utf-8' },
  body:
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>' +
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>' +
    '</soapenv:Body></soapenv:Envelope>',
};

/** `xsi:type="sf:Account"`: the kind of object that changed. */
function objectOf(notification: string): string {
  return /\btype="(?:\w{1,64}:)?(\w{1,128})"/.exec(notification.slice(0, 4096))?.[1] ?? 'notification';
}

function itemsOf(document: string): readonly BatchItem[] | undefined {
  const notifications = elementsNamed(document, 'Notification');
  if (notifications === undefined || notifications.length === 0 || notifications.length > maxBatchItems)
    return undefined;
  return notifications.map(({ outer, inner }, index) => {
    const name = eventName(objectOf(inner));
    // The first Id is the notification's; the object has one of its own.
    const id = deliveryId(/^\s*<(?:\w+:)?Id>([A-Za-z0-9]{15,18})</.exec(inner)?.[1]);
    return {
      pointer: `Notification ${index + 1}`,
      name,
      type: `com.salesforce.${name}`,
      ...(id === undefined ? {} : { deliveryId: id }),
      body: Buffer.from(outer),
      contentType: 'text/xml; charset=utf-8',
    };
  });
}

function identify(request: RawRequest): Identified {
  const document = text(request);
  const items = itemsOf(document);
  const name = items === undefined ? 'notification' : batchName(items);
  const organization = onlyText(document, 'OrganizationId');
  return {
    name,
    type: `com.salesforce.${name}`,
    idSigned: true,
    ...(organization === undefined ? {} : { source: `https://salesforce.com/${organization}` }),
    ...(items === undefined ? {} : { items }),
  };
}

const organizationId = /^[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$/;

export const salesforce = defineProvedReceiver({
  profile: vendorProfile({
    name: 'salesforce',
    title: 'Salesforce outbound messages',
    documentation: 'https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging.htm',
    answerBudgetMs: 10_000,
    acknowledgement,
  }),
  guide: {
    secret:
      'A random text of at least 32 characters that you append to the URL: `?code=…`; the organization id is no secret.',
    setUp: [
      'In Salesforce Setup open Company Information and copy the "Salesforce.com Organization ID" into `organizationId`.',
      'Open Workflow Actions, Outbound Messages (or a Flow action), choose the object, and type the URL of the trigger followed by `?code=` and the text in the Secret named by `secretRefs` as "Endpoint URL".',
      'Leave "Send Session ID" off: the session would be a live credential in every message.',
    ],
    example: { organizationId: '00D000000000001EAA' },
    scheme: 'Equality of the secret in the URL, then of the organization id in the message: Salesforce signs nothing',
    replay: 'None; duplicates are found by the id of each notification.',
    event: 'kind of the object in each notification: `Account`',
    id: '`Id` of each notification',
    vectors: [],
    sampleEvent: 'Account',
  },
  fields: {
    organizationId: {
      type: 'string',
      minLength: 15,
      maxLength: 18,
      description: 'Id of the Salesforce organization, 15 or 18 characters; messages of others are refused.',
    },
    ...urlSecretFields,
  },
  required: ['organizationId'],
  prove: (reader, given) => {
    reader.text('organizationId', { max: 18, pattern: organizationId, form: 'an id of 15 or 18 characters' });
    return { definition: urlSecret, fields: urlSecretOf(given) };
  },
  check: (request, fields) => {
    const document = text(request);
    if (!isPlainXml(document)) return 'PartMalformed';
    const organization = onlyText(document, 'OrganizationId') ?? '';
    const wanted = String(fields['organizationId']);
    // The last three of 18 characters only repeat which of the others are upper case.
    const same = organizationId.test(organization) && organization.slice(0, 15) === wanted.slice(0, 15);
    return same ? undefined : 'ContentMismatch';
  },
  identify,
  compose: (event, body, id, fields) => ({
    headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: '""' },
    body: Buffer.from(body).includes('<') ? body : envelope(event, id, String(fields['organizationId'])),
  }),
});

/** A message as Salesforce words it, around one changed object. */
function envelope(object: string, id: string, organization: string): Uint8Array {
  const notification = id
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .padEnd(18, '0')
    .slice(0, 18);
  return Buffer.from(
    '<?xml version="1.0" encoding="UTF-8"?>' +
      '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">' +
      '<soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">' +
      `<OrganizationId>${organization}</OrganizationId><ActionId>04k000000000001AAA</ActionId><SessionId xsi:nil="true"/>` +
      `<Notification><Id>${notification}</Id><sObject xsi:type="sf:${eventName(object)}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">` +
      '<sf:Id>001000000000001AAA</sf:Id><sf:Name>Example</sf:Name></sObject></Notification>' +
      '</notifications></soapenv:Body></soapenv:Envelope>',
  );
}
