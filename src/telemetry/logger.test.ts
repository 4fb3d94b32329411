import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { suite, test } from 'node:test';
import { createLogger, escapeControls } from './logger.ts';

function capture(): { readonly stream: Writable; text(): string } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stream, text: () => text };
}

suite('logger', () => {
  test('writes one JSON object a line on a pipe', () => {
    const { stream, text } = capture();
    const log = createLogger({ level: 'info', terminal: false, stream });
    log.info('started', { port: 1 });
    log.debug('not shown');
    log.warn('line\nbreak', { text: '\u001b[2J' });
    const lines = text().trim().split('\n');
    assert.equal(lines.length, 2);
    const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(first?.['msg'], 'started');
    assert.equal(first?.['port'], 1);
    assert.equal(second?.['msg'], 'line\nbreak');
  });

  test('on a terminal no text of a tenant moves the cursor or forges a line', async () => {
    const { stream, text } = capture();
    const log = createLogger({ level: 'info', terminal: true, stream });
    log.info('before\u001b[2J\nERROR forged', { field: 'a\rb\u202e' });
    while (text() === '') await new Promise((resolve) => void setImmediate(resolve));
    assert.doesNotMatch(text(), /\u001b|\r|\u202e/);
    assert.equal(text().trim().split('\n').length, 1);
    assert.match(text(), /before\\u001b\[2J\\u000aERROR forged/);
  });

  test('escapes control characters and nothing else', () => {
    assert.equal(escapeControls('ä\u0000\t\u007f\u0085\u2028x'), 'ä\\u0000\\u0009\\u007f\\u0085\\u2028x');
  });
});
