/** Paths of fields as text and as steps. */
import type { FieldPath } from './document-places.ts';

const step = /\.?([A-Za-z_$][A-Za-z0-9_$-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** Steps of `spec.triggers[0].http` or `metadata.labels["a/b"]`; stops at what is no path. */
export function parseFieldPath(path: string): FieldPath {
  const steps: (string | number)[] = [];
  step.lastIndex = 0;
  for (let match = step.exec(path); match !== null; match = step.exec(path)) {
    const [, word, index, quoted] = match;
    if (word !== undefined) steps.push(word);
    else if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(String(JSON.parse(quoted)));
  }
  return steps;
}
