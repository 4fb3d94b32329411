/** Why a request is refused: stable words for records, metrics and `moonhook verify`, each with what usually causes it. */

export const refusalReasons = {
  NoSecret: 'the receiver has no secret, so nothing can be verified',
  SecretMalformed: 'no secret of the receiver can be decoded as its encoding says',
  SignatureMissing: 'the request has no signature header: is a secret set at the sender?',
  SignatureRepeated: 'the signature header came more than once',
  SignatureMalformed: 'the signature header does not have the form of this sender',
  SignatureMismatch: 'no secret gives this signature: another secret, or the request was changed on its way',
  TimestampMissing: 'the timestamp that is part of the signed text is not there',
  TimestampMalformed: 'the timestamp is not a number or date of the expected form',
  TimestampOutsideTolerance:
    'the signature is right but its time is too far from now: a replay, or a clock that is off',
  PartMissing: 'a header that is part of the signed text is not there or came more than once',
  PartMalformed: 'a header that is part of the signed text holds the separator that ends it',
  DigestMissing: 'the digest header that is signed in place of the body names no algorithm that can be checked',
  DigestMismatch: 'the signed digest is not that of the body',
  TokenMissing: 'the request carries no token where the receiver expects one',
  TokenRepeated: 'the token came more than once',
  TokenMalformed: 'the Authorization header does not have the form of this scheme',
  TokenMismatch: 'the token equals no secret of the receiver',
  TokenExpired: 'the token has expired or is not valid yet',
  ClaimMismatch: 'the token is genuine, and its issuer, audience or another claim is not the configured one',
  KeyUnknown: 'the request names a key that the receiver does not have',
  KeysUnavailable: 'the keys or the certificate that verify the request could not be had from their host',
  CertificateRefused: 'the certificate is not one of this sender, or was not valid at that time',
  ComponentMissing: 'the signature does not cover a part of the request that it has to cover',
  SignatureExpired: 'the signature says itself that it has expired',
  ContentMismatch: 'the content names another organization, topic or origin than the configured one',
  VerifierUnavailable: 'the receiver needs a Lua verifier and none can run here',
  VerifierRefused: 'the Lua verifier refused the request',
  VerifierFailed: 'the Lua verifier raised an error or ran out of its time',
} as const satisfies Record<string, string>;

export type RefusalReason = keyof typeof refusalReasons;
