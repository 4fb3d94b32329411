/**
 * `npm run bench [-- SUITE …]`: runs the suites one after the other, prints a table and writes bench/results/latest.json.
 * A missed goal is printed, not an exit code: timings on a shared machine are read by people.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeMachine, formatMeasures, type Suite } from './measure.ts';

const folder = import.meta.dirname;
const wanted = process.argv.slice(2);
const files = (await readdir(folder)).filter((name) => name.endsWith('-suite.ts')).sort();
const names = files.map((name) => name.replace(/-suite\.ts$/, ''));
/** A name stands for itself, or where there is no such suite for all that begin with it: `accept` for both of its parts. */
const meant = (name: string): readonly string[] =>
  names.includes(name) ? [name] : names.filter((each) => each.startsWith(`${name}-`));
const unknown = wanted.filter((name) => meant(name).length === 0);
if (unknown.length > 0) {
  console.error(`bench: no suite ${unknown.join(', ')}; there are: ${names.join(', ')}`);
  process.exit(2);
}

const machine = describeMachine();
console.log(`${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, Node ${machine.node}, load ${machine.load}`);
const results: Record<string, unknown> = {};
for (const name of wanted.length > 0 ? wanted.flatMap(meant) : names) {
  const { suite } = (await import(join(folder, `${name}-suite.ts`))) as { suite: Suite };
  console.log(`\n${suite.name}`);
  const measures = await suite.run((line) => process.stderr.write(`  … ${line}\n`));
  console.log(formatMeasures(measures));
  results[name] = measures;
}
await mkdir(join(folder, 'results'), { recursive: true });
await writeFile(join(folder, 'results', 'latest.json'), `${JSON.stringify({ machine, results }, undefined, 2)}\n`);
console.log(`\nas JSON: bench/results/latest.json`);
