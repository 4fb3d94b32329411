/** The receivers' part of the schema: comes in as an argument, because senders live above this folder. */
import { secretReferences } from './schema-parts.ts';
import { exactlyOne, object, set, text, type SchemaNode } from './schema-node.ts';

/** What the schema needs of a receiver; a receiver's definition satisfies it. */
export interface ReceiverSchema {
  readonly profile: { readonly name: string; readonly title: string; readonly secretsRequired: number };
  /** Schema of its own fields. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
}

/** By name, as the catalogue of receivers has them. */
export type ReceiverSchemas = ReadonlyMap<string, ReceiverSchema>;

/** `receiver` of an HTTP trigger: exactly one key. */
export function receiverSchema(receivers: ReceiverSchemas): SchemaNode {
  return object(
    'Who may call and how it is proved; exactly one. open: {} says "anyone".',
    Object.fromEntries([...receivers].map(([name, receiver]) => [name, fieldsOf(receiver)])),
    {
      rules: [
        exactlyOne([...receivers.keys()], 'name exactly one receiver, such as github or hmac; open: {} says "anyone"'),
      ],
    },
  );
}

function fieldsOf({ profile, fields, required }: ReceiverSchema): SchemaNode {
  const withSecrets = profile.secretsRequired > 0 || required.includes('secretRefs');
  // A receiver that reads no secret takes none: it would look verified and would not be.
  const secrets: Record<string, SchemaNode> = withSecrets
    ? {
        secretRefs: secretReferences(
          'Secrets the sender proves itself with: all verify, the first signs.',
          Math.max(1, profile.secretsRequired),
        ),
      }
    : {};
  return object(
    `Sender: ${profile.title}.`,
    {
      ...secrets,
      events: set(
        "Names of events that count, in the sender's words; * stands for any characters. Others are answered and not run.",
        text('Name of an event such as push or pull_request.*', 253, {
          minLength: 1,
          pattern: '^\\S+$',
          expected: 'the name of an event such as push, or pull_request.*',
        }),
        64,
        { minItems: 1 },
      ),
      ...(fields as Readonly<Record<string, SchemaNode>>),
    },
    withSecrets || required.length > 0
      ? { required: [...new Set([...(withSecrets ? ['secretRefs'] : []), ...required])] }
      : {},
  );
}
