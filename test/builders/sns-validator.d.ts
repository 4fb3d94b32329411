/** What the tests use of `sns-validator`, which comes without types. */
declare module 'sns-validator' {
  export default class MessageValidator {
    validate(message: Readonly<Record<string, string>>, callback: (error: Error | null) => void): void;
  }
}
