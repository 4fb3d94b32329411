/** Ed25519 keys from the raw bytes that senders show (RFC 8410 gives the ASN.1 around them). */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

const publicHead = Buffer.from('302a300506032b6570032100', 'hex');
const privateHead = Buffer.from('302e020100300506032b657004220420', 'hex');

/** 32 bytes are a public key; 64 are a private one as senders' tools print it (seed, then public key). */
export function ed25519Key(bytes: Uint8Array | undefined): KeyObject | undefined {
  if (bytes === undefined) return undefined;
  if (bytes.length === 32) {
    return createPublicKey({ key: Buffer.concat([publicHead, bytes]), format: 'der', type: 'spki' });
  }
  if (bytes.length !== 64) return undefined;
  const seed = Buffer.concat([privateHead, bytes.subarray(0, 32)]);
  return createPrivateKey({ key: seed, format: 'der', type: 'pkcs8' });
}
