/** `moonhook store`: copies (backup, restore, the way from SQLite to PostgreSQL and back), and whose a store is. */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { readDevProcess } from '../local/data-directory.ts';
import { openPostgresSource, openPostgresTarget } from '../store/copy-postgres.ts';
import { openSqliteSource, openSqliteTarget } from '../store/copy-sqlite.ts';
import { copyStore, type CopiedCounts, type CopySource } from '../store/copy-store.ts';
import { disownStore } from '../store/disown-store.ts';
import { describeDatabase } from '../store/open-postgres.ts';
import { checkSnapshot } from '../store/snapshot-database.ts';
import { StoreInUse, StoreRefused } from '../store/store-refused.ts';
import { snapshotFile } from '../store/snapshot-file.ts';
import { askProcess, readLines } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, formatMilliseconds, printLines, printValue, readFormat } from './output.ts';
import { startProgress, type Progress } from './progress.ts';

interface CopyOptions {
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerStore(program: Command): void {
  const store = program
    .command('store')
    .description('copy the store of a run: a backup, or into another engine; or let another cluster have it');
  store
    .command('copy')
    .description('copy everything that is stored into a new file or an empty database, and check that it arrived')
    .argument('<from>', 'a data directory, its store.db, or postgres://…')
    .argument('<to>', 'a new file (or a directory for store.db), or postgres://… of an empty database')
    .option('-o, --output <format>', 'json or yaml')
    .addHelpText(
      'after',
      '\nThe store of a running `moonhook dev` is copied while it is used; what runs at that moment waits in the copy.\nExit codes: 0 copied and checked, 1 it broke off or does not add up, 2 FROM or TO cannot be used.',
    )
    .action(async (from: string, to: string, options: CopyOptions) => {
      process.exitCode = await copy(from, to, options);
    });
  store
    .command('adopt')
    .description('let the next installation that starts on a store have it: a restored backup, another cluster')
    .argument('<store>', 'a data directory, its store.db, or postgres://…')
    .option('-o, --output <format>', 'json or yaml')
    .addHelpText(
      'after',
      "\nThe runtimes of a cluster refuse a store that belongs to another installation. Stop whoever still uses it first:\ntwo installations on one store run each other's deliveries never, and forget each other's namespaces.\nExit codes: 0 it belongs to nobody now, 1 it broke off, 2 STORE cannot be used.",
    )
    .action(async (place: string, options: CopyOptions) => {
      process.exitCode = await adopt(place, options);
    });
}

async function adopt(text: string, options: CopyOptions): Promise<number> {
  const format = readFormat(options.output, ['json', 'yaml']);
  if (format === undefined) return exitCodes.unusable;
  try {
    const owner = await disownStore(readEnd(text));
    if (printValue(format, { owner: owner ?? null })) return exitCodes.ok;
    printLines([
      owner === undefined
        ? 'it belongs to nobody: the next installation that starts on it has it'
        : `it belonged to ${owner}: the next installation that starts on it has it`,
    ]);
    return exitCodes.ok;
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return error instanceof StoreRefused ? exitCodes.unusable : exitCodes.failed;
  }
}

type End = { readonly url: string } | { readonly path: string };

async function copy(fromText: string, toText: string, options: CopyOptions): Promise<number> {
  const format = readFormat(options.output, ['json', 'yaml']);
  if (format === undefined) return exitCodes.unusable;
  const from = readEnd(fromText);
  const to = readEnd(toText);
  if ('path' in to && existsSync(to.path)) {
    complain(`${to.path} is there already: choose another name, or move it away`);
    return exitCodes.unusable;
  }
  const progress = startProgress();
  const began = performance.now();
  try {
    const counts = await copyEnds(from, to, progress);
    progress.end();
    const label = 'url' in to ? `PostgreSQL at ${describeDatabase(to.url)}` : to.path;
    if (printValue(format, { to: label, counts })) return exitCodes.ok;
    const shown = Object.entries(counts).map(([table, rows]) => `  ${rows} ${table.replaceAll('_', ' ')}`);
    printLines([`copied to ${label} in ${formatMilliseconds(performance.now() - began)}, and checked:`, ...shown]);
    return exitCodes.ok;
  } catch (error) {
    progress.end();
    complain(error instanceof Error ? error.message : String(error));
    return error instanceof StoreRefused ? exitCodes.unusable : exitCodes.failed;
  }
}

/** A directory stands for the database in it. */
function readEnd(text: string): End {
  if (/^postgres(?:ql)?:\/\//.test(text)) return { url: text };
  const path = resolve(text);
  return { path: statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? join(path, 'store.db') : path };
}

async function copyEnds(from: End, to: End, progress: Progress): Promise<CopiedCounts> {
  if ('url' in from) return copyRows(await openPostgresSource(from.url), to, progress);
  if ('path' in to) {
    await makeSnapshot(from.path, to.path, progress);
    return checkSnapshot(to.path);
  }
  let source: CopySource;
  try {
    source = openSqliteSource(from.path);
  } catch (error) {
    if (!(error instanceof StoreInUse)) throw error;
    const folder = mkdtempSync(join(tmpdir(), 'moonhook-snapshot-'));
    try {
      const path = join(folder, 'store.db');
      await askSnapshot(from.path, path, progress, error);
      return await copyRows(openSqliteSource(path), to, progress);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return copyRows(source, to, progress);
}

async function copyRows(source: CopySource, to: End, progress: Progress): Promise<CopiedCounts> {
  try {
    const target = 'url' in to ? await openPostgresTarget(to.url) : openSqliteTarget(to.path);
    try {
      return await copyStore(source, target, ({ table, rows, total }) => progress.show(table, rows, total));
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function makeSnapshot(from: string, to: string, progress: Progress): Promise<void> {
  try {
    await snapshotFile(from, to, (pages, total) => progress.show('pages', pages, total));
  } catch (error) {
    if (!(error instanceof StoreInUse)) throw error;
    await askSnapshot(from, to, progress, error);
  }
}

/** The process that uses the database makes the snapshot: nobody else can read it now. */
async function askSnapshot(from: string, to: string, progress: Progress, why: StoreInUse): Promise<void> {
  const found = basename(from) === 'store.db' ? readDevProcess(dirname(from)) : undefined;
  if (found?.ok !== true) throw why;
  const { adminUrl, token } = found.value;
  const answer = await askProcess(`${adminUrl}/-/api/store/snapshot`, token, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path: to }),
  });
  if (!answer.ok) throw new Error(answer.message);
  if (!answer.value.ok) {
    const problem = (await answer.value.json().catch(() => ({}))) as { readonly detail?: string };
    throw new Error(`\`moonhook dev\` makes no snapshot: ${problem.detail ?? `it answered ${answer.value.status}`}`);
  }
  for await (const line of readLines(answer.value)) {
    if (line['done'] === true) return;
    if (typeof line['error'] === 'string') {
      throw line['refused'] === true ? new StoreRefused(line['error']) : new Error(line['error']);
    }
    progress.show('pages', Number(line['pages']), Number(line['total']));
  }
  throw new Error('`moonhook dev` ended before the snapshot was whole');
}
