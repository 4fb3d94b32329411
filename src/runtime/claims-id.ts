/** Whether a refused request calls itself by an id: it was not identified, so its headers and its body are looked at. Pure. */
import type { CapturedRequest } from './call-record.ts';

const idHeader = /(?:^|-)(?:id|uuid|guid|delivery|key)$/;
const idMember = /(?:id|uuid|guid|delivery|key)$/i;
/** Where an envelope may hold it: `event.id`, `data.object.id`. */
const deepest = 4;
const mostMembers = 2000;

/** Only what is named like an id counts: other headers and values must not find a stranger. */
export function claimsId(captured: CapturedRequest | undefined, id: string): boolean {
  if (captured === undefined) return false;
  if (captured.headers.some(([name, value]) => value === id && idHeader.test(name))) return true;
  if (captured.bodyCut) return false;
  const body = Buffer.from(captured.bodyBase64, 'base64').toString('utf8');
  // Most bodies do not hold it at all: they are not parsed.
  if (!body.includes(id) && !body.includes(encodeURIComponent(id))) return false;
  const type = captured.headers.find(([name]) => name === 'content-type')?.[1] ?? '';
  if (type.includes('x-www-form-urlencoded')) {
    const form = new URLSearchParams(body);
    const payload = form.get('payload');
    return [...form].some(([name, value]) => value === id && idMember.test(name)) || holdsId(parse(payload ?? ''), id);
  }
  return holdsId(parse(body), id);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function holdsId(value: unknown, id: string): boolean {
  let level: readonly unknown[] = [value];
  let left = mostMembers;
  for (let depth = 0; depth < deepest && level.length > 0; depth += 1) {
    const next: unknown[] = [];
    for (const each of level) {
      if (typeof each !== 'object' || each === null) continue;
      for (const [name, inner] of Object.entries(each)) {
        left -= 1;
        if (left < 0) return false;
        if (typeof inner === 'object') next.push(inner);
        else if (idMember.test(name) && String(inner) === id) return true;
      }
    }
    level = next;
  }
  return false;
}
