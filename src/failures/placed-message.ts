/** `FILE:LINE: message`: the form that terminals and editors open at a click. */

interface PlacedError {
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
}

/** The message with its place before it, unless it begins with it already. */
export function placedMessage({ message, file, line }: PlacedError): string {
  if (file === undefined) return message;
  const place = `${file}${line === undefined ? '' : `:${line}`}: `;
  return message.startsWith(place) ? message : `${place}${message}`;
}
