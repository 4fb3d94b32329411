/** Webhooks accepted over HTTP beside 20 million known delivery ids. */
import { measureAccepts } from './measure-accepts.ts';
import type { Suite } from './measure.ts';
import { databaseOfKeys } from './store-databases.ts';

const knownKeys = 20_000_000;

export const suite: Suite = {
  name: `Accepting: GitHub webhooks of 1 KiB over HTTP, SQLite in a file, the program on one core; ${knownKeys / 1e6} million ids known`,
  run: (progress) =>
    measureAccepts(
      {
        what: `${knownKeys / 1e6} million ids known`,
        goal: 10_000,
        database: () => databaseOfKeys(knownKeys, progress),
      },
      progress,
    ),
};
