/** How long PostgreSQL may take, and what is said when it took longer: what, after how long, what to do. */
import { errorMessage } from '../failures/error-message.ts';

export const connections = 5;
export const connectMs = 5_000;
/**
 * Twice what the server gives a statement: whatever has not been answered then is not coming (a proxy whose server is gone, a
 * COMMIT that waits for a standby). What became of it is not known, and its connection is not used again.
 */
export const answerMs = 10_000;
/** What is under way when a store is closed, and its goodbye. */
export const goodbyeMs = 5_000;
/** What the server gives a statement, the wait for a lock, and a transaction that does nothing. */
export const statementMs = 5_000;
export const lockMs = 1_000;
export const idleMs = 10_000;

const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`;
const notConnected = `PostgreSQL took no connection within ${seconds(connectMs)}: does its address lead to it, through every proxy, pooler and firewall?`;

/** What `pg` and its pool say themselves: they have no codes for it. */
const ofTheDriver: Readonly<Record<string, string>> = {
  'Query read timeout': `PostgreSQL has not answered within ${seconds(answerMs)}, and whether it did what was asked is not known: is the server there, what lies between (proxy, pooler), and the standby that commits wait for?`,
  'timeout exceeded when trying to connect': `no connection to PostgreSQL was free within ${seconds(connectMs)}; all ${connections} wait for an answer: is the server there, and what keeps it busy (pg_stat_activity)?`,
  'timeout expired': notConnected,
  'Connection terminated due to connection timeout': notConnected,
};

/** By SQLSTATE; nothing of the statement was kept. */
const ofTheServer: Readonly<Record<string, string>> = {
  '57014': `PostgreSQL stopped a statement, which may take ${seconds(statementMs)}: ask for less at once, or see in pg_stat_activity what keeps the server busy`,
  '55P03': `PostgreSQL waited ${seconds(lockMs)} for a lock that another transaction holds: try again; pg_blocking_pids() names the holder`,
  '25P03': `PostgreSQL ended a transaction in which this process did nothing for ${seconds(idleMs)}: was it frozen, or without a processor?`,
};

/** Ends where statements have no limit, too: nobody at a console waits for a standby without a word. */
export const commit = { text: 'COMMIT', query_timeout: answerMs };

/** Nothing more can be asked over that connection: it would wait behind what was asked before. */
export function isUnanswered(error: unknown): boolean {
  return errorMessage(error) === 'Query read timeout';
}

/** An error that says of a timeout what a person needs; any other as it is. */
export function inPlainWords(error: unknown): unknown {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined;
  const words = ofTheDriver[errorMessage(error)] ?? ofTheServer[String(code)];
  return words === undefined ? error : new Error(words, { cause: error });
}

/** The same parts; where a promise of theirs fails it says so in plain words. */
export function sayPlainly<Parts extends object>(parts: Parts): Parts {
  const plain = (part: (...given: unknown[]) => unknown): typeof part => {
    return (...given) => {
      const answer = part(...given);
      return answer instanceof Promise ? answer.catch((error: unknown) => Promise.reject(inPlainWords(error))) : answer;
    };
  };
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, typeof part === 'function' ? plain(part) : part]),
  ) as Parts;
}
