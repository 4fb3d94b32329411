/** The two ends of a copy of a store: a database file, in use or not, or PostgreSQL. */
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { errorMessage } from '../failures/error-message.ts';
import { readDevProcess } from '../local/data-directory.ts';
import { snapshotSocket } from '../runtime/snapshot-http.ts';
import { openPostgresSource, openPostgresTarget } from '../store/copy-postgres.ts';
import { openSqliteSource, openSqliteTarget } from '../store/copy-sqlite.ts';
import { copyStore, type CopiedCounts, type CopySource } from '../store/copy-store.ts';
import { checkSnapshot } from '../store/snapshot-database.ts';
import { snapshotFile } from '../store/snapshot-file.ts';
import { StoreInUse, StoreRefused } from '../store/store-refused.ts';
import { askProcess, readLines } from './dev-client.ts';
import type { Progress } from './progress.ts';

/** `newDirectory`: one that has to be made for the file. */
export type End = { readonly url: string } | { readonly path: string; readonly newDirectory?: string };

/** A directory stands for the database in it. */
export function readEnd(text: string): End {
  if (/^postgres(?:ql)?:\/\//.test(text)) return { url: text };
  const path = resolve(text);
  return { path: statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? join(path, 'store.db') : path };
}

/** Where to copy to. A name without an extension that is nobody's yet is a data directory, and made: `restored`, `.moonhook`. */
export function readNewEnd(text: string): End {
  const end = readEnd(text);
  const isNew = 'path' in end && !existsSync(end.path) && basename(end.path) !== 'store.db';
  if (!isNew || !(text.endsWith('/') || extname(end.path) === '')) return end;
  return { path: join(end.path, 'store.db'), newDirectory: end.path };
}

/** Does `work` with the directory of `end` made, which only its owner may read; where it fails, nothing of that stays. */
export async function inDirectoryOf<Result>(end: End, work: () => Promise<Result>): Promise<Result> {
  if (!('path' in end) || end.newDirectory === undefined) return work();
  try {
    mkdirSync(end.newDirectory, { mode: 0o700 });
  } catch (error) {
    throw new StoreRefused(`cannot make ${end.newDirectory}: ${errorMessage(error)}`);
  }
  try {
    return await work();
  } catch (error) {
    rmSync(end.newDirectory, { recursive: true, force: true });
    throw error;
  }
}

/** Answers how many rows arrived, by table. */
export async function copyEnds(from: End, to: End, progress: Progress): Promise<CopiedCounts> {
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
  const answer = basename(from) === 'store.db' ? await askWhoHolds(dirname(from), to) : undefined;
  if (answer === undefined) throw why;
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { readonly detail?: string };
    throw new Error(`who uses the store makes no snapshot: ${problem.detail ?? `it answered ${answer.status}`}`);
  }
  for await (const line of readLines(answer)) {
    if (line['done'] === true) return;
    if (typeof line['error'] === 'string') {
      throw line['refused'] === true ? new StoreRefused(line['error']) : new Error(line['error']);
    }
    progress.show('pages', Number(line['pages']), Number(line['total']));
  }
  throw new Error('who uses the store ended before the snapshot was whole');
}

/** A runtime of a cluster answers on a socket beside its store, `moonhook dev` on its admin port; undefined: neither is there. */
async function askWhoHolds(folder: string, to: string): Promise<Response | undefined> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ path: to }) };
  const socket = join(folder, snapshotSocket);
  const answered = existsSync(socket) ? await askSocket(socket, init) : undefined;
  if (answered !== undefined) return answered;
  const found = readDevProcess(folder);
  if (!found.ok) return undefined;
  const { adminUrl, token } = found.value;
  const answer = await askProcess(`${adminUrl}/-/api/store/snapshot`, token, init);
  if (!answer.ok) throw new Error(answer.message);
  return answer.value;
}

/** Undefined: nobody listens, a runtime that was killed has left it. */
async function askSocket(
  socketPath: string,
  { body, ...init }: { readonly method: string; readonly headers: Record<string, string>; readonly body: string },
): Promise<Response | undefined> {
  const asked = request({ socketPath, path: '/store/snapshot', ...init });
  asked.end(body);
  try {
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return new Response(Readable.toWeb(answer) as ReadableStream, { status: answer.statusCode ?? 500 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return undefined;
    const reason = errorMessage(error);
    throw new Error(`the runtime does not answer on ${socketPath}: ${reason}`, { cause: error });
  }
}
