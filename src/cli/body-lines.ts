/** The body of an event as lines for people. */

/** The part of an event that lines are made of; it comes as JSON. */
export interface PlainEvent {
  readonly contentType?: string;
  /** Absent: the event is not kept any more. */
  readonly bodyBytes?: number;
  readonly bodyBase64?: string;
  readonly bodyCut?: boolean;
}

/** As it was sent where it is text; control characters are the printer's. */
export function bodyLines({ contentType, bodyBytes, bodyBase64, bodyCut }: PlainEvent): readonly string[] {
  if (bodyBytes === undefined) return ['body: it is not kept any more'];
  if (bodyBase64 === undefined) return ['body: what runs there is older and does not tell it'];
  const type = contentType === undefined ? '' : ` of ${contentType}`;
  if (bodyBytes === 0) return ['body: none'];
  const bytes = Buffer.from(bodyBase64, 'base64');
  const head = `body, ${bodyCut === true ? `the first ${bytes.length} of ` : ''}${bodyBytes} bytes${type}`;
  const text = textOf(bytes, bodyCut === true);
  return text === undefined ? [`${head}: no text; -o json has it as base64`] : [`${head}:`, text];
}

/** `cut`: its last character may be half of one. */
function textOf(bytes: Uint8Array, cut: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: cut });
  } catch {
    return undefined;
  }
}
