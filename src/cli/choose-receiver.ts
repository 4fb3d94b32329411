/** Which receiver a command works with: by name, from a file, or from a trigger of a function. */
import { isObject } from '../function/is-object.ts';
import { parseYaml } from '../local/parse-yaml.ts';
import type { ReceiverChoice } from '../receivers/verify-capture.ts';

export type ChoiceResult =
  | { readonly ok: true; readonly choice: ReceiverChoice; readonly trigger?: string }
  | { readonly ok: false; readonly message: string };

type Fields = Readonly<Record<string, unknown>>;

/** Reads `{ github: { … } }`, `receiver: { … }` or a WebhookFunction (whose trigger may have to be named). */
export function readReceiverFile(file: string, text: string, trigger?: string): ChoiceResult {
  const { documents, mistakes } = parseYaml(file, text);
  const [mistake] = mistakes;
  if (mistake !== undefined) {
    return { ok: false, message: `${file}${mistake.line === undefined ? '' : `:${mistake.line}`}: ${mistake.message}` };
  }
  const functions = documents
    .map(({ value }) => value)
    .filter((value) => isObject(value) && value['spec'] !== undefined);
  const value = functions.length === 1 ? functions[0] : documents.length === 1 ? documents[0]?.value : undefined;
  if (!isObject(value)) {
    return {
      ok: false,
      message: `${file}: holds ${documents.length} documents; one receiver or one function is needed`,
    };
  }
  if (isObject(value['spec'])) return chooseTrigger(value['spec'], trigger);
  return toChoice(isObject(value['receiver']) ? value['receiver'] : value, file);
}

/** The receiver of an HTTP trigger: the named one, or the only one there is. */
export function chooseTrigger(spec: Fields, name: string | undefined): ChoiceResult {
  const all = Array.isArray(spec['triggers']) ? (spec['triggers'] as readonly unknown[]).filter(isObject) : [];
  const http = all.filter((trigger) => isObject(trigger['http']));
  const matching = name === undefined ? http : http.filter((trigger) => trigger['name'] === name);
  const [chosen] = matching;
  if (chosen === undefined || matching.length > 1) {
    const names = http.map((trigger) => String(trigger['name'])).join(', ');
    if (http.length === 0) return { ok: false, message: 'the function has no HTTP trigger' };
    return {
      ok: false,
      message:
        name === undefined
          ? `choose one of the triggers with --trigger: ${names}`
          : `no HTTP trigger "${name}": ${names}`,
    };
  }
  const title = String(chosen['name']);
  const choice = toChoice((chosen['http'] as Fields)['receiver'], `trigger ${title}`);
  return choice.ok ? { ...choice, trigger: title } : choice;
}

function toChoice(receiver: unknown, place: string): ChoiceResult {
  const entries = isObject(receiver) ? Object.entries(receiver) : [];
  const [entry] = entries;
  if (entry === undefined || entries.length !== 1) {
    return { ok: false, message: `${place}: a receiver is an object with exactly one name, such as { github: {} }` };
  }
  const [name, fields] = entry;
  if (fields !== null && !isObject(fields)) return { ok: false, message: `${place}: ${name} must be an object` };
  return { ok: true, choice: { name, fields: fields ?? {} } };
}
