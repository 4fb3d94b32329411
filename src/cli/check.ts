/** `moonhook check`: everything `dev` would find wrong, without serving: documents, references, routes, and the Lua itself. */
import type { Command } from 'commander';
import { checkFolder } from '../local/check-folder.ts';
import { formatDiagnostic, type Diagnostic } from '../local/diagnostic.ts';
import { createLoadServer } from '../local/load-server.ts';
import { readPolicyFile } from '../local/read-policy-file.ts';
import { readSecretsFile } from '../local/read-secrets-file.ts';
import { egressMistakes } from '../settings/dev-settings.ts';
import { collectValues } from './collect-values.ts';
import { escapeText } from './escape-text.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, wantsJson } from './output.ts';
import { findSourceFiles } from './source-files.ts';

interface CheckOptions {
  readonly envFile?: string;
  readonly policy?: string;
  readonly egressAllow?: readonly string[];
  readonly strict?: boolean;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerCheck(program: Command): void {
  program
    .command('check')
    .description('find what is wrong with files without serving them: schema, references, routes, and the Lua itself')
    .argument('[paths...]', 'folders or files (default: the current folder)')
    .option('--env-file <file>', 'lines SECRET.KEY=VALUE: keys of Secrets, in every namespace')
    .option('--policy <file>', 'check against the policy of an installation')
    .option(
      '--egress-allow <target>',
      'as of `moonhook dev`: functions may reach HOST:PORT although it is not public; repeat it',
      collectValues,
    )
    .option('--strict', 'warnings count as errors: a Secret or ConfigMap that is in no file, too')
    .option('-o, --output <format>', 'json')
    .addHelpText('after', '\nExit codes: 0 no errors, 1 errors, 2 a path cannot be used.')
    .action(async (paths: readonly string[], options: CheckOptions) => {
      process.exitCode = await check(paths, options);
    });
}

async function check(paths: readonly string[], options: CheckOptions): Promise<number> {
  const json = wantsJson(options.output);
  if (json === undefined) return exitCodes.unusable;
  const unusable = (lines: readonly string[]): number => {
    for (const line of lines) complain(line);
    return exitCodes.unusable;
  };
  const sources = await findSourceFiles(paths);
  if (typeof sources === 'string') return unusable([sources]);
  const secrets = readSecretsFile(options.envFile);
  if (!secrets.ok) return unusable(secrets.lines);
  const { egressAllow = [] } = options;
  const mistakes = egressMistakes(egressAllow);
  if (mistakes.length > 0) return unusable(mistakes);
  const policy = readPolicyFile(options.policy, egressAllow);
  if (!policy.ok) return unusable(policy.lines);
  const found: Diagnostic[] = [];
  let functions = 0;
  let subscriptions = 0;
  for (const { root, files, print } of sources) {
    const server = await createLoadServer(complain);
    const checked = await checkFolder({
      root,
      files,
      secrets: secrets.entries,
      policy: policy.policyFor('http://127.0.0.1:8080'),
      server,
      now: () => Date.now(),
    });
    await server.close();
    functions += checked.functions;
    subscriptions += checked.subscriptions;
    found.push(...checked.diagnostics.map((diagnostic) => ({ ...diagnostic, file: print(diagnostic.file) })));
  }
  const errors = found.filter(({ severity }) => severity === 'error').length;
  const warnings = found.filter(({ severity }) => severity === 'warning').length;
  if (json)
    process.stdout.write(
      `${JSON.stringify({ functions, subscriptions, errors, warnings, diagnostics: found }, undefined, 2)}\n`,
    );
  else {
    for (const diagnostic of found) process.stdout.write(`${escapeText(formatDiagnostic(diagnostic))}\n`);
    const checked = [
      count(functions, 'function'),
      ...(subscriptions === 0 ? [] : [count(subscriptions, 'subscription')]),
      count(errors, 'error'),
      count(warnings, 'warning'),
    ];
    process.stdout.write(`${checked.join(', ')}\n`);
  }
  return errors > 0 || (options.strict === true && warnings > 0) ? exitCodes.failed : exitCodes.ok;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
