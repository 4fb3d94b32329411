/** `moonhook store`: copies (backup, restore, the way from SQLite to PostgreSQL and back), and whose a store is. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { errorMessage } from '../failures/error-message.ts';
import { disownStore } from '../store/disown-store.ts';
import { describeDatabase } from '../store/open-postgres.ts';
import { StoreRefused } from '../store/store-refused.ts';
import { copyEnds, inDirectoryOf, readEnd, readNewEnd } from './copy-ends.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, formatMilliseconds, printLines, printValue, readFormat } from './output.ts';
import { standardStream, throughFile } from './pipe-store.ts';
import { startProgress } from './progress.ts';

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
    .argument('<from>', 'a data directory, its store.db, or postgres://…; - for standard input')
    .argument(
      '<to>',
      'a new file, or a data directory for a store.db: a name without extension, made if it is missing; or postgres://… of an empty database; - for standard output',
    )
    .option('-o, --output <format>', 'json or yaml')
    .addHelpText(
      'after',
      '\nThe store of a running `moonhook dev`, or of the runtime in whose pod this is typed, is copied while it is used; what runs at that moment waits in the copy.\nExit codes: 0 copied and checked, 1 it broke off or does not add up, 2 FROM or TO cannot be used.',
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
    complain(errorMessage(error));
    return error instanceof StoreRefused ? exitCodes.unusable : exitCodes.failed;
  }
}

async function copy(fromText: string, toText: string, options: CopyOptions): Promise<number> {
  const format = readFormat(options.output, ['json', 'yaml']);
  if (format === undefined) return exitCodes.unusable;
  const progress = startProgress();
  const began = performance.now();
  try {
    const { label, counts } = await throughFile(fromText, toText, async (fromPlace, toPlace) => {
      const to = readNewEnd(toPlace);
      if ('path' in to && existsSync(to.path))
        throw new StoreRefused(`${to.path} is there already: choose another name, or move it away`);
      return {
        label: 'url' in to ? `PostgreSQL at ${describeDatabase(to.url)}` : to.path,
        counts: await inDirectoryOf(to, () => copyEnds(readEnd(fromPlace), to, progress)),
      };
    });
    progress.end();
    // What goes to standard output is the copy itself.
    if (toText === standardStream) return exitCodes.ok;
    if (printValue(format, { to: label, counts })) return exitCodes.ok;
    const shown = Object.entries(counts).map(([table, rows]) => `  ${rows} ${table.replaceAll('_', ' ')}`);
    printLines([`copied to ${label} in ${formatMilliseconds(performance.now() - began)}, and checked:`, ...shown]);
    return exitCodes.ok;
  } catch (error) {
    progress.end();
    complain(errorMessage(error));
    return error instanceof StoreRefused ? exitCodes.unusable : exitCodes.failed;
  }
}
