/** The flags of Node that the program is started with: what it costs beside others depends on them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function productFlags(): readonly string[] {
  const script = readFileSync(join(import.meta.dirname, '..', 'bin', 'moonhook'), 'utf8');
  const flags = /^exec "\$node" (.*?) -- /m.exec(script)?.[1];
  if (flags === undefined) throw new Error('bin/moonhook: the line that starts Node has another form');
  return flags.split(' ');
}
