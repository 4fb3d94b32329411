/** Facts that all receivers without a vendor share. */
import type { SenderProfile } from './types.ts';

/** A profile of an unnamed sender: synchronous, 204 when accepted, nothing known about its repeats. */
export function genericProfile(
  profile: Pick<SenderProfile, 'name' | 'title' | 'documentation'> & Partial<SenderProfile>,
): SenderProfile {
  return {
    defaultMode: 'sync',
    // Unknown: taken as yes, so that a repeated id is answered as a duplicate and not run twice.
    retriesByItself: true,
    acknowledgement: { status: 202 },
    duplicateBy: 'none',
    credentialHeaders: [],
    credentialQuery: [],
    minimumSecretBytes: 16,
    secretsRequired: 1,
    ...profile,
  };
}

/** What a request of a receiver without a vendor is called. */
export const requestEvent = { name: 'request', type: 'dev.moonhook.http.request', idSigned: false } as const;
