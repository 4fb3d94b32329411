/** What `verify` needs from elsewhere: a file at hand, else fetched once through the outbound guard. */
import { createOutboundGuard } from '../policy/outbound.ts';
import type { FetchDocument } from '../receivers/types.ts';
import type { InputResult } from './read-input.ts';

const timeoutMs = 10_000;
const maxBytes = 256 * 1024;

/** A file stands for every document; without one they are fetched, from globally reachable addresses only. */
export function createFetch(file: InputResult<Buffer> | undefined): FetchDocument {
  if (file?.ok === true) return async () => ({ ok: true, bytes: file.value });
  return async (url) => {
    const guard = createOutboundGuard();
    const egress = { installation: { grants: [], denied: [], local: true } };
    try {
      const answer = await guard.outboundFor({ namespaceUid: 'command', egress }).send({
        method: 'GET',
        url,
        headers: [],
        timeoutMs,
        maxRedirects: 0,
        maxResponseBytes: maxBytes,
        signal: new AbortController().signal,
      });
      if (!answer.ok) return { ok: false, message: `${answer.message} (or give it with --document FILE)` };
      if (answer.response.status === 200) return { ok: true, bytes: answer.response.body };
      return { ok: false, message: `its host answered ${answer.response.status} (or give it with --document FILE)` };
    } finally {
      await guard.close();
    }
  };
}
