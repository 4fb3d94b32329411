/** `moonhook version`: what runs here. */
import type { Command } from 'commander';
import { apiVersion } from '../function/types.ts';
import { exitCodes } from './exit-codes.ts';
import { wantsJson } from './output.ts';
import { version } from './package-version.ts';

/** Adds the verb to the program. */
export function registerVersion(program: Command): void {
  program
    .command('version')
    .description('print the version of this command, of the API it serves, and of its Node')
    .option('-o, --output <format>', 'json')
    .action((options: { readonly output?: string }) => {
      const json = wantsJson(options.output);
      if (json === undefined) {
        process.exitCode = exitCodes.unusable;
        return;
      }
      const facts = { moonhook: version, api: apiVersion, node: process.versions.node };
      process.stdout.write(
        json
          ? `${JSON.stringify(facts)}\n`
          : Object.entries(facts)
              .map(([name, value]) => `${name.padEnd(9)}${value}\n`)
              .join(''),
      );
    });
}
