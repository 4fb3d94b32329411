/** Webhooks accepted over HTTP where no delivery id is known yet. */
import type { Suite } from './measure.ts';
import { measureAccepts } from './measure-accepts.ts';

export const suite: Suite = {
  name: 'Accepting: GitHub webhooks of 1 KiB over HTTP, SQLite in a file, the program on one core; nothing known',
  run: (progress) => measureAccepts({ what: 'nothing known', goal: 14_000 }, progress),
};
