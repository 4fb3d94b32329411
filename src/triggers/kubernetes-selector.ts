/** Label and field selectors of Kubernetes triggers: checked, written as the API server takes them, and evaluated. */
import type { LabelSelector } from '../function/types.ts';

export type SelectorText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string };

const labelName = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelPrefix = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const fieldPath = /^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$/;

/** The selector as `labelSelector` of a list or watch, or the first thing wrong with it. */
export function writeLabelSelector(selector: LabelSelector): SelectorText {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    const mistake = checkKey(key) ?? checkValue(value);
    if (mistake !== undefined) return { ok: false, message: mistake };
    parts.push(`${key}=${value}`);
  }
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const mistake = checkKey(key) ?? values.map(checkValue).find((found) => found !== undefined);
    if (mistake !== undefined) return { ok: false, message: mistake };
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) return { ok: false, message: `${operator} of "${key}" needs values` };
      parts.push(`${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`);
    } else {
      if (values.length > 0) return { ok: false, message: `${operator} of "${key}" takes no values` };
      parts.push(operator === 'Exists' ? key : `!${key}`);
    }
  }
  return { ok: true, text: parts.join(',') };
}

/** Whether labels are selected, and by which condition they are not. An empty selector selects everything. */
export function matchLabels(
  selector: LabelSelector,
  labels: Readonly<Record<string, string>>,
): { readonly matched: boolean; readonly reason: string } {
  const value = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  for (const [key, wanted] of Object.entries(selector.matchLabels ?? {})) {
    if (value(key) !== wanted)
      return { matched: false, reason: `its label ${key} is ${value(key) ?? 'not set'}, not ${wanted}` };
  }
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const found = value(key);
    const isListed = found !== undefined && values.includes(found);
    const holds = {
      In: isListed,
      NotIn: !isListed,
      Exists: found !== undefined,
      DoesNotExist: found === undefined,
    }[operator];
    if (!holds)
      return {
        matched: false,
        reason: `its label ${key} is ${found ?? 'not set'}; wanted: ${operator} ${values.join(', ')}`.trimEnd(),
      };
  }
  return { matched: true, reason: 'its labels are selected' };
}

/** Checks `metadata.name=web,status.phase!=Running`; which fields there are only the API server knows. */
export function checkFieldSelector(text: string): SelectorText {
  const parts: string[] = [];
  for (const term of text.split(',')) {
    const match = /^\s*([^=!\s]+)\s*(==|=|!=)\s*([^=!,\s]*)\s*$/.exec(term);
    if (!match) return { ok: false, message: `"${term.trim()}" is not a condition such as metadata.name=web` };
    const [, field = '', operator = '', value = ''] = match;
    if (!fieldPath.test(field)) return { ok: false, message: `"${field}" is not the path of a field` };
    parts.push(`${field}${operator === '!=' ? '!=' : '='}${value}`);
  }
  return { ok: true, text: parts.join(',') };
}

function checkKey(key: string): string | undefined {
  const slash = key.indexOf('/');
  const prefix = slash === -1 ? undefined : key.slice(0, slash);
  if (prefix !== undefined && (prefix.length > 253 || !labelPrefix.test(prefix))) {
    return `"${key}" is not the name of a label: the part before / is a DNS name`;
  }
  return labelName.test(key.slice(slash + 1)) ? undefined : `"${key}" is not the name of a label`;
}

function checkValue(value: string): string | undefined {
  return labelValue.test(value)
    ? undefined
    : `"${value}" is not the value of a label: at most 63 letters, digits, -, _ and .`;
}
