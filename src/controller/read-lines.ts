/** Splits a stream of bytes into lines, whole characters across chunks, and refuses lines no object can be. */
import { StringDecoder } from 'node:string_decoder';

/** Objects are at most 1.5 MiB in etcd by default; some installations allow more. */
const longestLine = 64 * 1024 * 1024;

/** What follows the last line feed is no line: the stream broke within it. */
export async function* readLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder('utf8');
  let pieces: string[] = [];
  let held = 0;
  for await (const chunk of source) {
    const text = decoder.write(chunk);
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      pieces.push(text.slice(start, end));
      const line = pieces.length === 1 ? (pieces[0] ?? '') : pieces.join('');
      pieces = [];
      held = 0;
      start = end + 1;
      if (line !== '') yield line;
    }
    if (start < text.length) {
      pieces.push(text.slice(start));
      held += text.length - start;
      if (held > longestLine) throw new Error(`a line of the watch is longer than ${longestLine} characters`);
    }
  }
}
