import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionEntry, httpTriggerEntry } from '../../test/builders/function-entry.ts';
import {
  answerOf,
  decideServing,
  nextCandidate,
  programRevision,
  type LoadAttempt,
  type ServingCode,
} from './last-good.ts';
import type { CodeEntry, FunctionEntry } from './types.ts';

const code = (codeRevision: string): CodeEntry => ({ codeRevision, code: `-- ${codeRevision}`, modules: {} });
const good = code('good');
const broken = code('broken');
const serving: ServingCode = { code: good, handlers: ['default'], revision: 'r1' };

const loads = (which: CodeEntry, ...handlers: readonly string[]): LoadAttempt => ({
  code: which,
  outcome: { ok: true, handlers },
});
const fails = (which: CodeEntry): LoadAttempt => ({
  code: which,
  outcome: { ok: false, rejection: { reason: 'LuaSyntax', message: "'end' expected", file: 'hook', line: 3 } },
});

/** The decision, and what each trigger answers after it. */
function decide(...[before, next, attempts]: Parameters<typeof decideServing>) {
  const decision = decideServing(before, next, attempts);
  const triggers = new Map(next.triggers.map((trigger) => [trigger.name, answerOf(next, trigger, decision)]));
  return { ...decision, triggers };
}

function revision(name: string, which: CodeEntry, parts: Partial<FunctionEntry> = {}): FunctionEntry {
  return functionEntry({ revision: name, code: which, triggers: [httpTriggerEntry()], ...parts });
}

test('code that loads and has its handlers serves and is accepted', () => {
  const next = revision('r1', good);
  assert.equal(nextCandidate(undefined, next, []), good);
  const attempts = [loads(good, 'default')];
  assert.equal(nextCandidate(undefined, next, attempts), undefined);
  const decision = decide(undefined, next, attempts);
  assert.deepEqual(decision.acknowledgement, { uid: next.uid, revision: 'r1', accepted: true, servingRevision: 'r1' });
  assert.deepEqual([decision.lastGood, decision.triggers.get('web')], [false, { handler: 'default' }]);
});

test('a broken edit keeps the code that served, under the new revision', () => {
  const next = revision('r2', broken);
  const attempts = [fails(broken)];
  assert.equal(nextCandidate(serving, next, attempts), good);
  attempts.push(loads(good, 'default'));
  assert.equal(nextCandidate(serving, next, attempts), undefined);
  const decision = decide(serving, next, attempts);
  assert.deepEqual(decision.acknowledgement, {
    uid: next.uid,
    revision: 'r2',
    accepted: false,
    servingRevision: 'r1',
    reason: 'LuaSyntax',
    message: "'end' expected",
    file: 'hook',
    line: 3,
  });
  assert.deepEqual([decision.lastGood, decision.serving?.code], [true, good]);
  assert.deepEqual(decision.triggers.get('web'), { handler: 'default' });
  assert.equal(
    programRevision(next, good),
    'r2~good',
    'the old code runs with the secrets and limits of the new revision',
  );
  assert.equal(programRevision(next, broken), 'r2');
});

test('the last good code is kept through several broken edits', () => {
  const second = decide(serving, revision('r2', broken), [fails(broken), loads(good, 'default')]);
  const worse = code('worse');
  const third = decide(second.serving, revision('r3', worse), [fails(worse), loads(good, 'default')]);
  assert.deepEqual([third.serving?.code, third.acknowledgement.servingRevision], [good, 'r1']);
});

test('code that does not load again under the new revision is not kept', () => {
  const next = revision('r2', broken, { env: {} });
  const decision = decide(serving, next, [fails(broken), fails(good)]);
  assert.equal(decision.serving, undefined);
  assert.equal(decision.acknowledgement.servingRevision, undefined);
  const answer = decision.triggers.get('web');
  assert.ok(answer && 'unavailable' in answer);
  assert.equal(answer.unavailable, 'NotResolved');
});

test('the first version of a function that does not load serves nothing', () => {
  const next = revision('r1', broken);
  assert.equal(nextCandidate(undefined, next, [fails(broken)]), undefined);
  const decision = decide(undefined, next, [fails(broken)]);
  assert.deepEqual([decision.serving, decision.lastGood], [undefined, false]);
  assert.match(
    JSON.stringify(decision.triggers.get('web')),
    /no version of this function has loaded yet: 'end' expected/,
  );
});

test('a trigger whose handler the kept code lacks answers HandlerMissing, the others go on', () => {
  const kept: ServingCode = { code: good, handlers: ['push'], revision: 'r1' };
  const next = revision('r2', broken, {
    triggers: [httpTriggerEntry({ name: 'push' }), httpTriggerEntry({ name: 'pull' })],
  });
  const { triggers } = decide(kept, next, [fails(broken), loads(good, 'push')]);
  assert.deepEqual(triggers.get('push'), { handler: 'push' });
  const pull = triggers.get('pull');
  assert.ok(pull && 'unavailable' in pull);
  assert.equal(pull.unavailable, 'HandlerMissing');
  assert.match(pull.message, /revision r1 that still serves has no handler "pull"/);
});

test('a trigger without a handler rejects the revision and names the nearest handler', () => {
  const next = revision('r2', code('new'), { triggers: [httpTriggerEntry({ name: 'on-push' })] });
  const attempts = [loads(next.code, 'on_pushed', 'other')];
  assert.equal(nextCandidate(serving, next, attempts), good);
  const { acknowledgement } = decide(serving, next, [...attempts, loads(good, 'default')]);
  assert.deepEqual([acknowledgement.reason, acknowledgement.suggestion], ['NoHandler', 'on_pushed']);
  assert.match(
    acknowledgement.message ?? '',
    /trigger "on-push" has no handler: .* "on_push" or "default"; the module has on_pushed, other/,
  );
});

test('the same code with a new trigger that it cannot answer keeps serving the others', () => {
  const next = revision('r2', good, { triggers: [httpTriggerEntry(), httpTriggerEntry({ name: 'extra' })] });
  const kept: ServingCode = { code: good, handlers: ['web'], revision: 'r1' };
  const attempts = [loads(good, 'web')];
  assert.equal(nextCandidate(kept, next, attempts), undefined);
  const decision = decide(kept, next, attempts);
  assert.deepEqual([decision.lastGood, decision.acknowledgement.servingRevision], [true, 'r1']);
  assert.deepEqual(decision.triggers.get('web'), { handler: 'web' });
  assert.match(JSON.stringify(decision.triggers.get('extra')), /HandlerMissing/);
});

test('an unresolved gate is closed whatever code serves', () => {
  const unresolved = { reason: 'SecretNotFound', message: 'Secret "github" does not exist' };
  const next = revision('r2', broken, {
    triggers: [httpTriggerEntry({ unresolved }), httpTriggerEntry({ name: 'open' })],
  });
  const { triggers } = decide(serving, next, [fails(broken), loads(good, 'default')]);
  assert.deepEqual(triggers.get('web'), { unavailable: 'NotResolved', message: unresolved.message });
  assert.deepEqual(triggers.get('open'), { handler: 'default' });
  const whole = revision('r3', good, { unresolved });
  assert.deepEqual(decide(serving, whole, [loads(good, 'default')]).triggers.get('web'), {
    unavailable: 'NotResolved',
    message: unresolved.message,
  });
});

test('a missing verifier of a custom receiver rejects the revision, and closes the trigger of kept code', () => {
  const custom = httpTriggerEntry({ receiver: { name: 'custom', fields: { handler: 'verify' }, secrets: [] } });
  const next = revision('r2', code('new'), { triggers: [custom] });
  const { acknowledgement, triggers } = decide(serving, next, [loads(next.code, 'default'), loads(good, 'default')]);
  assert.equal(acknowledgement.reason, 'NoHandler');
  assert.match(acknowledgement.message ?? '', /verifies with the handler "verify", which is missing/);
  assert.match(JSON.stringify(triggers.get('web')), /HandlerMissing.*no handler \\"verify\\"/);
  const complete = decide(serving, next, [loads(next.code, 'default', 'verify')]);
  assert.deepEqual([complete.acknowledgement.accepted, complete.triggers.get('web')], [true, { handler: 'default' }]);
});

test('code that is missing is not judged, and what served before is kept for later', () => {
  const unresolved = { reason: 'ConfigMapNotFound', message: 'ConfigMap "hooks" does not exist' };
  const next = revision('r2', { ...code('none'), code: '' }, { unresolved });
  assert.equal(nextCandidate(undefined, next, []), undefined);
  assert.equal(nextCandidate(serving, next, []), good);
  const decision = decide(serving, next, [loads(good, 'default')]);
  assert.deepEqual(decision.acknowledgement, { uid: next.uid, revision: 'r2', accepted: true, reason: 'NotResolved' });
  assert.deepEqual([decision.serving?.code, decision.lastGood], [good, false]);
  assert.deepEqual(decision.triggers.get('web'), { unavailable: 'NotResolved', message: unresolved.message });
  const later = decide(decision.serving, revision('r3', broken), [fails(broken), loads(good, 'default')]);
  assert.deepEqual(later.acknowledgement.servingRevision, 'r1');
});

test('code that stumbles over a missing secret at load is not judged; a syntax error is', () => {
  const unresolved = { reason: 'SecretNotFound', message: 'Secret "s" does not exist' };
  const next = revision('r2', code('new'), { unresolved });
  const stumbles: LoadAttempt = {
    code: next.code,
    outcome: { ok: false, rejection: { reason: 'LuaLoad', message: 'attempt to concatenate a nil value' } },
  };
  const unjudged = decide(undefined, next, [stumbles]);
  assert.deepEqual([unjudged.acknowledgement.accepted, unjudged.acknowledgement.reason], [true, 'NotResolved']);
  assert.equal(decide(undefined, next, [fails(next.code)]).acknowledgement.reason, 'LuaSyntax');
});
