/** Builders of what a request says about itself, and of the most common scheme, for senders that need nothing more. */
import { deliveryId, eventName } from './event-name.ts';
import type { SignatureAlgorithm } from './signature-algorithm.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { template } from './signed-template.ts';
import type { Identified } from './types.ts';

/** Facts besides the name. */
export interface EventFacts {
  readonly id?: string | undefined;
  /** The id lies in what is signed. */
  readonly idSigned: boolean;
  readonly source?: string | undefined;
  readonly subject?: string | undefined;
}

/** An event of a sender: `com.example` and the sender's word; no word is `request`. */
export function identified(typePrefix: string, word: string | undefined, facts: EventFacts): Identified {
  const name = eventName(word ?? 'request');
  const id = deliveryId(facts.id);
  return {
    name,
    type: `${typePrefix}.${name}`,
    ...(facts.source === undefined ? {} : { source: facts.source }),
    ...(facts.subject === undefined ? {} : { subject: facts.subject }),
    ...(id === undefined ? {} : { deliveryId: id }),
    idSigned: facts.idSigned,
  };
}

/** A signature over the body and nothing else. */
export function bodyScheme(
  header: string,
  options: {
    readonly algorithm?: SignatureAlgorithm;
    readonly encoding?: 'hex' | 'base64';
    readonly prefix?: string;
    readonly separator?: string;
  } = {},
): SignatureScheme {
  const { algorithm = 'sha256', encoding = 'hex', prefix = '', separator } = options;
  return {
    algorithm,
    header,
    encoding,
    prefix,
    ...(separator === undefined ? {} : { separator }),
    signed: template('{body}'),
  };
}
