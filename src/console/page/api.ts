/** Questions to the program behind the page: JSON with the start-up token, which came in the fragment of the address. */
import type {
  ConsoleStatus,
  Draft,
  FunctionPageAnswer,
  FunctionRow,
  FunctionText,
  PastEventAnswer,
  Remark,
  Sample,
  SaveResult,
} from '../console-source.ts';
import type { TryOrder, TryResult } from '../try-types.ts';
import type { LanguageHelp } from '../console-source.ts';
import type { PlainCall } from './plain-call.ts';

const tokenName = 'moonhook-token';

/** Takes the token, or the code that it is given for, out of the address: it is in no history or picture of the screen. */
export async function takeToken(): Promise<void> {
  const [, kind, value] = /^#(token|code)=([\w-]+)$/.exec(location.hash) ?? [];
  if (kind === undefined || value === undefined) return;
  history.replaceState(null, '', location.pathname + location.search);
  if (kind === 'token') {
    sessionStorage.setItem(tokenName, value);
    return;
  }
  const answer = await fetch('./codes', sending('POST', { code: value }));
  const { token } = (await answer.json()) as { readonly token?: string };
  if (token !== undefined) sessionStorage.setItem(tokenName, token);
}

/** Why a question has no answer. `status` 0: nobody answered. */
export class ApiFailure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${sessionStorage.getItem(tokenName) ?? ''}`);
  let response: Response;
  try {
    response = await fetch(`./api${path}`, { ...init, headers });
  } catch {
    throw new ApiFailure(0, 'Moonhook does not answer: is it still running?');
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { readonly title?: string; readonly detail?: string };
  throw new ApiFailure(response.status, problem.detail ?? problem.title ?? `the answer was ${response.status}`);
}

/** The JSON of an answer; refusals are `ApiFailure`. */
export async function askJson<Value>(path: string, init?: RequestInit): Promise<Value> {
  return (await (await ask(path, init)).json()) as Value;
}

/** A request with a JSON body. */
export function sending(method: string, body: unknown): RequestInit {
  return { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

const path = (namespace: string, name: string): string =>
  `/functions/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;

export const api = {
  language: () => askJson<LanguageHelp>('/language'),
  status: () => askJson<ConsoleStatus>('/status'),
  /** A page of the list, in order of names; `find`: part of `NAMESPACE/NAME`. */
  functions: async (find: string, offset: number, limit: number, signal?: AbortSignal) =>
    askJson<FunctionPageAnswer>(`/functions?${new URLSearchParams({ find, offset: `${offset}`, limit: `${limit}` })}`, {
      signal: signal ?? null,
    }),
  /** One row of it. */
  functionRow: (namespace: string, name: string) => askJson<FunctionRow>(path(namespace, name)),
  text: (namespace: string, name: string) => askJson<FunctionText>(`${path(namespace, name)}/text`),
  check: async (namespace: string, name: string, draft: Draft, signal: AbortSignal) => {
    const init = { ...sending('POST', draft), signal };
    return (await askJson<{ readonly remarks: readonly Remark[] }>(`${path(namespace, name)}/check`, init)).remarks;
  },
  samples: async (namespace: string, name: string, draft: Draft, signal: AbortSignal) => {
    const init = { ...sending('POST', draft), signal };
    return (await askJson<{ readonly samples: readonly Sample[] }>(`${path(namespace, name)}/samples`, init)).samples;
  },
  pastEvents: (namespace: string, name: string, catching: boolean | undefined, signal?: AbortSignal) =>
    askJson<PastEventAnswer>(`${path(namespace, name)}/events`, {
      ...sending('POST', catching === undefined ? {} : { catching }),
      // Said on leaving, it is sent all the same.
      ...(catching === false ? { keepalive: true } : {}),
      signal: signal ?? null,
    }),
  try: (namespace: string, name: string, draft: Draft, order: TryOrder) =>
    askJson<TryResult>(`${path(namespace, name)}/try`, sending('POST', { ...draft, order })),
  calls: async (namespace: string, name: string) =>
    (await askJson<{ readonly calls: readonly PlainCall[] }>(`${path(namespace, name)}/calls`)).calls,
  save: (namespace: string, name: string, draft: Draft, version: string, takeOver: boolean) =>
    askJson<SaveResult>(`${path(namespace, name)}/text`, sending('PUT', { ...draft, version, takeOver })),
};

/** Calls back with name and data of each server-sent event until aborted; comes back by itself when the program does. */
export async function followChanges(
  signal: AbortSignal,
  on: { event(name: string, data: string): void; lost(): void; locked(): void },
): Promise<void> {
  while (!signal.aborted) {
    try {
      const response = await ask('/changes', { signal });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      for (let chunk = await reader?.read(); chunk?.value !== undefined; chunk = await reader?.read()) {
        const blocks = (rest + chunk.value).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const [, name, data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
          if (name !== undefined) on.event(name, data);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiFailure && error.status === 401) {
        on.locked();
        return;
      }
    }
    on.lost();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
