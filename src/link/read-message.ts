/** Reads messages of the link: what is none of the protocol is refused, what is newer than this program is skipped. */
import { isObject } from '../function/is-object.ts';
import type { Acknowledgement } from '../routing/types.ts';
import type {
  AskFailure,
  Exchange,
  FromController,
  FromRuntime,
  Held,
  HealthReport,
  ScheduleReport,
  WireChange,
} from './protocol.ts';

export type ReadMessage<Message> =
  | { readonly kind: 'message'; readonly message: Message }
  /** A kind or topic of a newer program. */
  | { readonly kind: 'unknown'; readonly name: string }
  /** `problem` never quotes the text, which may hold secrets. */
  | { readonly kind: 'malformed'; readonly problem: string };

type Members = Readonly<Record<string, unknown>>;

/** Names, uids, digests, revisions. */
const longestName = 512;
/** Messages for people. */
const longestText = 16 * 1024;
const longestToken = 16 * 1024;
const mostItems = 50_000;

class Malformed extends Error {}

/** What a runtime sent. */
export function readFromRuntime(text: string): ReadMessage<FromRuntime> {
  return read(text, (members, kind) => {
    switch (kind) {
      case 'hello':
        return {
          kind,
          runtime: name(members, 'runtime'),
          podName: name(members, 'podName'),
          podUid: name(members, 'podUid'),
          group: name(members, 'group'),
          ...(members['epoch'] === undefined ? {} : { epoch: count(members, 'epoch') }),
        };
      case 'follow':
        return {
          kind,
          on: flag(members, 'on'),
          holds: list(members, 'holds').map(readHeld),
          more: flag(members, 'more'),
        };
      case 'judged':
        return { kind, acknowledgements: list(members, 'acknowledgements').map(readAcknowledgement) };
      case 'applied':
        return { kind, epoch: count(members, 'epoch'), version: count(members, 'version') };
      case 'proof':
        return { kind, token: string(members, 'token', longestToken) };
      case 'report':
        return {
          kind,
          schedules: list(members, 'schedules').map(readSchedule),
          health: list(members, 'health').map(readHealth),
        };
      default:
        return readExchange(members, kind);
    }
  });
}

/** What a controller sent. Entries are checked where they are decoded. */
export function readFromController(text: string): ReadMessage<FromController> {
  return read(text, (members, kind) => {
    switch (kind) {
      case 'stand':
        return {
          kind,
          controller: name(members, 'controller'),
          epoch: count(members, 'epoch'),
          synced: flag(members, 'synced'),
        };
      case 'table':
        return {
          kind,
          epoch: count(members, 'epoch'),
          version: count(members, 'version'),
          whole: flag(members, 'whole'),
          changes: list(members, 'changes').map(readChange),
        };
      case 'policy':
        return { kind, policy: object(members['policy'], 'the policy') };
      case 'prove':
        return { kind };
      default:
        return readExchange(members, kind);
    }
  });
}

function read<Message>(
  text: string,
  readMembers: (members: Members, kind: string) => Message | undefined,
): ReadMessage<Message> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'malformed', problem: `a message is not JSON (${text.length} characters)` };
  }
  try {
    const members = object(value, 'a message');
    const kind = name(members, 'kind');
    const message = readMembers(members, kind);
    return message === undefined ? { kind: 'unknown', name: kind } : { kind: 'message', message };
  } catch (error) {
    if (error instanceof Malformed) return { kind: 'malformed', problem: error.message };
    throw error;
  }
}

function readExchange(members: Members, kind: string): Exchange<never> | undefined {
  switch (kind) {
    case 'ask':
      // An unknown topic is for whoever answers: the asker must be told.
      return { kind, id: count(members, 'id'), topic: name(members, 'topic') as never, body: members['body'] };
    case 'cancel':
      return { kind, id: count(members, 'id') };
    case 'answer': {
      const id = count(members, 'id');
      if (flag(members, 'ok')) return { kind, id, ok: true, body: members['body'] };
      const code = name(members, 'code') as AskFailure;
      return { kind, id, ok: false, code, message: string(members, 'message', longestText) };
    }
    default:
      return undefined;
  }
}

function readHeld(value: unknown): Held {
  if (!Array.isArray(value) || value.length !== 2) throw new Malformed('an item of holds is no pair');
  const [uid, digest] = value as readonly unknown[];
  if (!isText(uid, longestName) || !isText(digest, longestName)) throw new Malformed('an item of holds is no pair');
  return [uid, digest];
}

function readAcknowledgement(value: unknown): Acknowledgement {
  const members = object(value, 'an acknowledgement');
  return {
    uid: name(members, 'uid'),
    revision: name(members, 'revision'),
    accepted: flag(members, 'accepted'),
    ...optional(members, 'servingRevision', longestName),
    ...optional(members, 'reason', longestName),
    ...optional(members, 'message', longestText),
    ...optional(members, 'file', longestName),
    ...optional(members, 'suggestion', longestName),
    ...(members['line'] === undefined ? {} : { line: count(members, 'line') }),
    ...(members['column'] === undefined ? {} : { column: count(members, 'column') }),
  };
}

function readSchedule(value: unknown): ScheduleReport {
  const members = object(value, 'a schedule');
  return {
    uid: name(members, 'uid'),
    trigger: name(members, 'trigger'),
    ...(members['last'] === undefined ? {} : { last: count(members, 'last') }),
    ...(members['next'] === undefined ? {} : { next: count(members, 'next') }),
  };
}

function readHealth(value: unknown): HealthReport {
  const members = object(value, 'a health');
  const failing = members['failing'] === undefined ? undefined : object(members['failing'], 'failing');
  const off = members['switchedOff'] === undefined ? undefined : object(members['switchedOff'], 'switchedOff');
  return {
    uid: name(members, 'uid'),
    breaker: oneOf(members, 'breaker', ['Closed', 'Open', 'HalfOpen']),
    ...(members['lastSuccess'] === undefined ? {} : { lastSuccess: count(members, 'lastSuccess') }),
    ...(failing === undefined
      ? {}
      : {
          failing: {
            since: count(failing, 'since'),
            at: count(failing, 'at'),
            error: string(failing, 'error', longestText),
          },
        }),
    ...(off === undefined
      ? {}
      : {
          switchedOff: {
            at: count(off, 'at'),
            reason: oneOf(off, 'reason', ['Gone', 'OnlyFailures']),
            error: string(off, 'error', longestText),
            identity: name(off, 'identity'),
          },
        }),
  };
}

function readChange(value: unknown): WireChange {
  const members = object(value, 'a change');
  const op = name(members, 'op');
  switch (op) {
    case 'set':
      return { op, digest: name(members, 'digest'), entry: object(members['entry'], 'an entry') };
    case 'setSubscription':
      return { op, digest: name(members, 'digest'), subscription: object(members['subscription'], 'an entry') };
    case 'delete':
    case 'deleteSubscription':
      return { op, uid: name(members, 'uid'), ...(members['moved'] === true ? { moved: true } : {}) };
    default:
      throw new Malformed('a change has an unknown op');
  }
}

function object(value: unknown, what: string): Members {
  if (!isObject(value)) throw new Malformed(`${what} is no object`);
  return value;
}

const isText = (value: unknown, longest: number): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= longest;

function name(members: Members, member: string): string {
  return string(members, member, longestName);
}

function string(members: Members, member: string, longest: number): string {
  const value = members[member];
  if (!isText(value, longest)) throw new Malformed(`${member} is no text of 1 to ${longest} characters`);
  return value;
}

function oneOf<Name extends string>(members: Members, member: string, names: readonly Name[]): Name {
  const value = names.find((each) => each === members[member]);
  if (value === undefined) throw new Malformed(`${member} is none of ${names.join(', ')}`);
  return value;
}

function optional<Name extends string>(members: Members, member: Name, longest: number): { [Key in Name]?: string } {
  const value = members[member];
  if (value === undefined) return {};
  if (typeof value !== 'string' || value.length > longest) throw new Malformed(`${member} is no text`);
  return { [member]: value } as { [Key in Name]: string };
}

function count(members: Members, member: string): number {
  const value = members[member];
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Malformed(`${member} is no count`);
  return value as number;
}

function flag(members: Members, member: string): boolean {
  const value = members[member];
  if (typeof value !== 'boolean') throw new Malformed(`${member} is neither true nor false`);
  return value;
}

function list(members: Members, member: string): readonly unknown[] {
  const value = members[member];
  if (!Array.isArray(value) || value.length > mostItems)
    throw new Malformed(`${member} is no list that may be so long`);
  return value;
}
