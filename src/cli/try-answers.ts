/** The table that answers outgoing requests of a draft, and what was asked of it. */
import type { TryAnswer, TryRequest } from '../console/try-types.ts';
import type { AnsweredRequest, HandAnswer } from '../policy/outbound-answered.ts';

const mostShown = 64 * 1024;

export interface AnswerTable {
  answer(request: AnsweredRequest): HandAnswer;
  /** In the order they were made. */
  readonly asked: readonly TryRequest[];
}

export function createAnswerTable(answers: readonly TryAnswer[]): AnswerTable {
  const asked: TryRequest[] = [];
  return {
    asked,
    answer: ({ method, url, headers, body }) => {
      const index = answers.findIndex(
        (each) => (each.method === '' || each.method === '*' || each.method === method) && fits(each.url, url),
      );
      const found = answers[index];
      asked.push({
        method,
        url,
        headers: [...headers],
        body: Buffer.from(body ?? [])
          .subarray(0, mostShown)
          .toString('utf8'),
        ...(found === undefined ? {} : { answeredBy: index, status: found.status }),
      });
      if (found === undefined) {
        return { ok: false, message: `nothing was sent: no answer of the table is for ${method} ${url}` };
      }
      return { ok: true, status: found.status, headers: found.headers, body: Buffer.from(found.body) };
    },
  };
}

/** Whether a URL is the one of the table, in which `*` stands for any characters; linear in the length of the URL. */
export function fits(pattern: string, url: string): boolean {
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop();
  if (last === undefined) return url === first || url === `${first}/`;
  if (!url.startsWith(first) || !url.endsWith(last) || url.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of parts) {
    const found = url.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= url.length - last.length;
}
