/** Label selectors as `kubectl -l` takes them. */

const inPattern = /^([^\s!=,()]+)\s+(in|notin)\s+\(([^()]*)\)$/;

/** Whether labels fit all of a selector: `app=web,tier!=db,env in (a,b),!old,new`. */
export function selects(selector: string, labels: Readonly<Record<string, unknown>>): boolean {
  return requirements(selector).every((requirement) => holds(requirement, labels));
}

function holds(text: string, labels: Readonly<Record<string, unknown>>): boolean {
  const [, listed, operator, values] = inPattern.exec(text) ?? [];
  if (listed !== undefined) {
    const found = (values ?? '').split(',').some((value) => value.trim() === labels[listed]);
    return operator === 'in' ? found : !found;
  }
  if (text.startsWith('!')) return labels[text.slice(1).trim()] === undefined;
  const [, key = '', sign, value = ''] = /^([^=!]+?)\s*(==|=|!=)\s*(.*)$/.exec(text) ?? [];
  if (sign === undefined) return labels[text] !== undefined;
  return sign === '!=' ? labels[key] !== value : labels[key] === value;
}

/** Parts between the commas outside of brackets. */
function requirements(selector: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const sign of selector) {
    if (sign === '(') depth += 1;
    if (sign === ')') depth -= 1;
    if (sign === ',' && depth === 0) {
      parts.push(part.trim());
      part = '';
    } else part += sign;
  }
  return [...parts, part.trim()].filter((each) => each !== '');
}
