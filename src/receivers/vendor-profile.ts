/** Facts that most named senders share. */
import type { SenderProfile } from './types.ts';

/** A profile of a named sender: stored first, answered 200, repeated by the sender until then, ids as duplicate keys. */
export function vendorProfile(
  profile: Pick<SenderProfile, 'name' | 'title' | 'documentation' | 'answerBudgetMs'> & Partial<SenderProfile>,
): SenderProfile {
  return {
    defaultMode: 'async',
    retriesByItself: true,
    acknowledgement: { status: 200 },
    duplicateBy: 'id',
    credentialHeaders: [],
    credentialQuery: [],
    minimumSecretBytes: 16,
    secretsRequired: 1,
    ...profile,
  };
}

/** The field of senders that sign the URL they call. */
export const registeredUrlField: Readonly<Record<string, unknown>> = {
  url: {
    type: 'string',
    minLength: 1,
    maxLength: 2048,
    description:
      'The URL exactly as registered at the sender; by default the public URL of the route with the path of the request.',
  },
};

/** An echo of text that a stranger chose: plain, never sniffed as a page, short; undefined: not to be repeated. */
export function echo(text: string | undefined): HostEcho | undefined {
  if (text === undefined || !/^[\x20-\x7e]{1,256}$/.test(text)) return undefined;
  return {
    status: 200,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
    body: text,
  };
}

interface HostEcho {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
