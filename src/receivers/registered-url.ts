/** The set-up of senders that sign the URL they call, and leave the user nothing else to choose. */
import { literalSecret, type SignatureSender, type SignatureSetup } from './signature-receiver.ts';
import type { SignatureScheme } from './signature-scheme.ts';

/** `registeredUrlField` names the URL; without it the public one is signed. */
export function registeredUrlSetup(
  scheme: SignatureScheme,
  identify: SignatureSetup['identify'],
): SignatureSender['setup'] {
  return (fields) => {
    const url = fields.url('url');
    return {
      schemes: [url === undefined ? scheme : { ...scheme, url }],
      decodeSecret: literalSecret,
      warnings: [],
      identify,
    };
  };
}
