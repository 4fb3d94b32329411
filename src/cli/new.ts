/** `moonhook new NAME --from KIND`: writes a first function to start from. */
import { writeFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { errorMessage } from '../failures/error-message.ts';
import { exitCodes } from './exit-codes.ts';
import { templates } from './templates.ts';

/** Adds the verb to the program. */
export function registerNew(program: Command): void {
  const kinds = Object.entries(templates).map(([name, { description }]) => `  ${name.padEnd(10)}${description}`);
  program
    .command('new')
    .description('write a file with a function to start from')
    .argument('<name>', 'name of the function; the file is NAME.yaml')
    .addOption(new Option('--from <kind>', 'what to start from').choices(Object.keys(templates)).default('api'))
    .option('--stdout', 'print it instead')
    .addHelpText('after', `\nStarting points:\n${kinds.join('\n')}`)
    .action((name: string, options: { readonly from: string; readonly stdout?: boolean }) => {
      process.exitCode = write(name, options.from, options.stdout === true);
    });
}

function write(name: string, from: string, print: boolean): number {
  if (!/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
    process.stderr.write(`moonhook: ${JSON.stringify(name)} is not a name: use a-z, 0-9 and \`-\`, at most 63\n`);
    return exitCodes.unusable;
  }
  const template = templates[from];
  if (!template) return exitCodes.unusable;
  if (print) {
    process.stdout.write(template.text(name));
    return exitCodes.ok;
  }
  const file = `${name}.yaml`;
  try {
    writeFileSync(file, template.text(name), { flag: 'wx' });
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    const reason = errorMessage(error);
    process.stderr.write(`moonhook: ${exists ? `${file} is already there` : `cannot write ${file}: ${reason}`}\n`);
    return exitCodes.unusable;
  }
  process.stdout.write(
    `${file} written\n${template
      .next(name)
      .map((line) => `  ${line}\n`)
      .join('')}`,
  );
  return exitCodes.ok;
}
