/** Options that stand before the verb, where `kubectl` takes them, are moved behind it, where each verb has its own. */

/** Those of runs that have a value. */
const withValue: ReadonlySet<string> = new Set([
  '--context',
  '--kubeconfig',
  '--data-dir',
  '--namespace',
  '-n',
  '--output',
  '-o',
]);
const alone: ReadonlySet<string> = new Set(['--all-namespaces', '-A']);

/** `moonhook --context prod list` is `moonhook list --context prod`; anything else stays as it is. */
export function placeOptions(typed: readonly string[]): readonly string[] {
  let verb = 0;
  while (verb < typed.length) {
    const [option = '', value] = (typed[verb] ?? '').split('=', 2);
    if (alone.has(option)) verb += 1;
    else if (withValue.has(option)) verb += value === undefined ? 2 : 1;
    else break;
  }
  if (verb === 0 || verb >= typed.length || typed[verb]?.startsWith('-') === true) return typed;
  const rest = typed.slice(verb);
  const end = rest.includes('--') ? rest.indexOf('--') : rest.length;
  return [...rest.slice(0, end), ...typed.slice(0, verb), ...rest.slice(end)];
}
