/** `moonhook render`: the documents with every `file:` replaced by the text it names, ready for `kubectl apply -f -`. */
import type { Command } from 'commander';
import { isMap, parseAllDocuments, Scalar, type Document } from 'yaml';
import { readInside } from '../local/folder.ts';
import { formatDiagnostic } from '../local/diagnostic.ts';
import { readDocuments } from '../local/read-documents.ts';
import type { FunctionDocument } from '../local/source-documents.ts';
import { documentChecker } from './check-files.ts';
import { escapeText } from './escape-text.ts';
import { exitCodes } from './exit-codes.ts';
import { complain } from './output.ts';
import { findSourceFiles, type SourceFiles } from './source-files.ts';

/** Adds the verb to the program. */
export function registerRender(program: Command): void {
  program
    .command('render')
    .description('print the documents with the files they name put in, for `kubectl apply -f -`')
    .argument('[paths...]', 'folders or files (default: the current folder)')
    .addHelpText('after', '\nExample: moonhook render hooks | kubectl apply -f -')
    .action(async (paths: readonly string[]) => {
      process.exitCode = await render(paths);
    });
}

async function render(paths: readonly string[]): Promise<number> {
  const sources = await findSourceFiles(paths);
  if (typeof sources === 'string') {
    complain(sources);
    return exitCodes.unusable;
  }
  const texts: string[] = [];
  let broken = false;
  for (const source of sources) {
    for (const file of source.files) {
      const result = await renderFile(source, file);
      for (const line of result.mistakes) process.stderr.write(`${escapeText(line)}\n`);
      broken ||= result.mistakes.length > 0;
      texts.push(...result.texts);
    }
  }
  // Half of what was asked for is not printed: it would be applied.
  if (broken) return exitCodes.failed;
  process.stdout.write(texts.join('---\n'));
  return exitCodes.ok;
}

async function renderFile(
  source: SourceFiles,
  file: string,
): Promise<{ readonly texts: readonly string[]; readonly mistakes: readonly string[] }> {
  const content = await readInside(source.root, file);
  const shown = source.print(file);
  if (content.kind !== 'text') {
    return {
      texts: [],
      mistakes: [`${shown}: error: ${content.kind === 'missing' ? 'there is no such file' : content.message}`],
    };
  }
  const reading = readDocuments(file, content.text, documentChecker());
  const mistakes = reading.diagnostics
    .filter(({ severity }) => severity === 'error')
    .map((diagnostic) => formatDiagnostic({ ...diagnostic, file: shown }));
  const functions = reading.documents.filter((document) => document.kind === 'WebhookFunction');
  const texts: string[] = [];
  for (const document of parseAllDocuments(content.text, { version: '1.2' })) {
    if (document.contents === null) continue;
    for (const each of functions)
      if (isSame(document, each)) mistakes.push(...(await inlineFiles(document, each, source)));
    texts.push(document.toString({ directives: false, lineWidth: 0 }));
  }
  return { texts, mistakes };
}

function isSame(document: Document.Parsed, { prefix, name, namespace }: FunctionDocument): boolean {
  const inDocument = document.getIn([...prefix, 'metadata', 'namespace']) ?? 'default';
  return (
    document.getIn([...prefix, 'kind']) === 'WebhookFunction' &&
    document.getIn([...prefix, 'metadata', 'name']) === name &&
    inDocument === namespace
  );
}

/** Puts `code` where `codeFrom.file` or `modules[].file` was; answers what could not be read. */
async function inlineFiles(
  document: Document.Parsed,
  own: FunctionDocument,
  source: SourceFiles,
): Promise<readonly string[]> {
  const mistakes: string[] = [];
  const texts = new Map<string, string>();
  for (const { written, name } of own.codeFiles) {
    const content = await readInside(source.root, name);
    if (content.kind === 'text') texts.set(written, content.text);
    else {
      const reason = content.kind === 'missing' ? 'there is no such file' : content.message;
      const place = own.places.placeOf([...own.prefix, 'spec']);
      mistakes.push(
        formatDiagnostic({
          severity: 'error',
          file: source.print(own.file),
          ...place,
          message: `${written}: ${reason}`,
        }),
      );
    }
  }
  const { codeFrom, modules } = own.resource.spec;
  const put = (holder: readonly (string | number)[], text: string): void => {
    const scalar = new Scalar(text);
    scalar.type = Scalar.BLOCK_LITERAL;
    document.setIn([...holder, 'code'], scalar);
  };
  if (codeFrom?.file !== undefined) {
    const spec = [...own.prefix, 'spec'];
    document.deleteIn([...spec, 'codeFrom']);
    put(spec, texts.get(codeFrom.file) ?? '');
  }
  for (const [index, module] of (modules ?? []).entries()) {
    if (module.file === undefined) continue;
    const holder = [...own.prefix, 'spec', 'modules', index];
    document.deleteIn([...holder, 'file']);
    const map = document.getIn(holder, true);
    if (isMap(map)) map.flow = false;
    put(holder, texts.get(module.file) ?? '');
  }
  return mistakes;
}
