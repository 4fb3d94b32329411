/** What a function answered as the console shows it: its body as text, as far as it is text and as a page can hold. */
import type { PlainObject } from '../console/watch-source.ts';

/** Of an answer's body: a page shows no more. */
const shownBytes = 256 * 1024;

export async function shownResponse(response: Response): Promise<PlainObject> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = bytes.subarray(0, shownBytes).toString('utf8');
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: text.includes('\uFFFD') ? `${bytes.length} bytes that are no text` : text,
    cut: bytes.length > shownBytes,
  };
}
