/** What the editor knows of Lua here: the entries of the host's catalogue, as the reference page shows them. */
import type { LanguageEntry } from './console-source.ts';
import { createCatalogue, listEntries } from '../host/catalogue.ts';

export function languageEntries(): readonly LanguageEntry[] {
  return listEntries(createCatalogue()).map(({ name, summary, parameters, returns, value }) => {
    const given = parameters.map((parameter) => parameter.name).join(', ');
    const gives = returns.map((each) => each.name).join(', ');
    const call = value === true ? '' : `(${given})`;
    return { name, summary, value: value === true, signature: `${name}${call}${gives === '' ? '' : ` → ${gives}`}` };
  });
}
