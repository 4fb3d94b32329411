/** Speaks to the running `moonhook dev`: finds its data directory, reads the token there, asks its local API. */
import { dirname, join, resolve } from 'node:path';
import { existsSync } from 'node:fs';
import type { KubeFailure } from '../controller/kube-answer.ts';
import { causeMessage } from '../failures/error-message.ts';
import { readDevProcess, type DevProcess } from '../local/data-directory.ts';
import { dataDirectoryFromEnvironment } from '../settings/dev-settings.ts';
import { readRunAnswer, readRunLine } from './check-answer.ts';
import { exitCodes } from './exit-codes.ts';
import { complain } from './output.ts';

/** Why a question has no answer, with the exit code that says so. */
export interface Refusal {
  readonly ok: false;
  readonly exitCode: number;
  readonly message: string;
  /** In a cluster: fields that belong to others, of an apply that was refused for them. */
  readonly taken?: KubeFailure['taken'];
}

export type Answered<Value> = { readonly ok: true; readonly value: Value } | Refusal;

/** `--data-dir`, else `MOONHOOK_DATA_DIR`, else the nearest `.moonhook` from here upwards that a process has written to. */
export function findDevProcess(dataDirectory: string | undefined): Answered<DevProcess> {
  const path = dataDirectory ?? dataDirectoryFromEnvironment() ?? nearest(process.cwd());
  if (path === undefined) {
    return notRunning(
      'no `moonhook dev` is running for this folder; start one, or name its data directory with --data-dir',
    );
  }
  if (!existsSync(join(path, 'dev.json')))
    return notRunning(`no \`moonhook dev\` is running with the data directory ${path}`);
  const found = readDevProcess(path);
  return found.ok ? found : notRunning(found.message);
}

/** Whether a run has written to this folder or one above it, still alive or not. */
export function hasRunHere(): boolean {
  return nearest(process.cwd()) !== undefined;
}

function nearest(from: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const candidate = join(folder, '.moonhook');
    if (existsSync(join(candidate, 'dev.json'))) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

function notRunning(message: string): Refusal {
  return { ok: false, exitCode: exitCodes.notRunning, message };
}

/** One request to a listener of the process, with the token. */
export async function askProcess(url: string, token: string, init: RequestInit = {}): Promise<Answered<Response>> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${token}`);
  try {
    return { ok: true, value: await fetch(url, { ...init, headers, redirect: 'manual' }) };
  } catch (error) {
    const cause = causeMessage(error);
    return notRunning(`${new URL(url).origin} does not answer (${cause}); is \`moonhook dev\` still running?`);
  }
}

/** One question to the local API; the answer is checked to be an object (what is in it is believed), with a list of objects where a field is named. */
export async function askApi<Value extends Readonly<Record<string, unknown>>>(
  path: string,
  dataDirectory: string | undefined,
  init: RequestInit = {},
  field?: string,
): Promise<Answered<Value>> {
  const response = await askApiRaw(path, dataDirectory, init);
  if (!response.ok) return response;
  return (await readRunAnswer(response.value, field)) as Answered<Value>;
}

/** As `askApi`, with the body unread: for streams. */
export async function askApiRaw(
  path: string,
  dataDirectory: string | undefined,
  init: RequestInit = {},
): Promise<Answered<Response>> {
  const found = findDevProcess(dataDirectory);
  if (!found.ok) return found;
  const response = await askProcess(`${found.value.adminUrl}/-/api${path}`, found.value.token, init);
  return !response.ok || response.value.ok ? response : refusalOf(response.value);
}

/** A problem (RFC 9457) that a listener of the process answered. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const problem: unknown = await response.json().catch(() => undefined);
  const detail = typeof problem === 'object' && problem !== null && 'detail' in problem ? String(problem.detail) : '';
  const message = detail === '' ? `the answer is ${response.status}` : detail;
  const exitCode =
    response.status === 404 ? exitCodes.notFound : response.status === 400 ? exitCodes.unusable : exitCodes.failed;
  return { ok: false, exitCode, message };
}

/** Lines of a stream of JSON, until it ends. */
export async function* readLines(response: Response): AsyncGenerator<Readonly<Record<string, unknown>>> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield readRunLine(line, response.url);
  }
}

/** Prints why, answers the exit code. */
export function refused(refusal: Refusal): number {
  complain(refusal.message);
  return refusal.exitCode;
}
