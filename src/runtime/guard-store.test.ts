import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Answer } from '../link/exchange.ts';
import { createStoreGuard, type StoreGuardOptions } from './guard-store.ts';

const ours = '0f5c-ours/moonhook/moonhook';
const theirs = '77aa-theirs/moonhook/moonhook';
const said = (owner: unknown): Answer => ({ ok: true, body: { owner } });
const away: Answer = { ok: false, code: 'Away', message: 'no controller has a link' };

function guardOf(
  owner: string | undefined,
  answer: Answer,
  more: Partial<Pick<StoreGuardOptions, 'adopt'>> & { readonly remembered?: string } = {},
) {
  const state = { owner, remembered: more.remembered, refused: [] as string[], adopted: [] as string[], answer };
  const guard = createStoreGuard({
    store: {
      async owner(claim) {
        if (claim !== undefined && (state.owner === undefined || state.owner === claim.from)) state.owner = claim.owner;
        return state.owner;
      },
    },
    ask: async () => state.answer,
    ...(more.adopt === undefined ? {} : { adopt: more.adopt }),
    memory: {
      read: async () => state.remembered,
      write: async (given) => void (state.remembered = given),
    },
    onRefused: (message) => state.refused.push(message),
    onAdopted: (from, to) => state.adopted.push(`${from} ${to}`),
  });
  return { guard, state };
}

suite('createStoreGuard', () => {
  test('a new store is taken, and one of our own let in', async () => {
    for (const owner of [undefined, ours]) {
      const { guard, state } = guardOf(owner, said(ours));
      await guard.admit();
      assert.deepEqual([guard.admitted, guard.refusal, state.owner, state.adopted], [true, undefined, ours, []]);
    }
  });

  test('the store of another installation is refused, with its owner and what to do, told once', async () => {
    const { guard, state } = guardOf(theirs, said(ours));
    for (let attempt = 0; attempt < 2; attempt += 1) await assert.rejects(guard.admit(), /belongs to 77aa-theirs/);
    assert.equal(guard.admitted, false);
    assert.match(guard.refusal ?? '', /MOONHOOK_STORE_ADOPT=77aa-theirs\/moonhook\/moonhook/);
    assert.equal(state.refused.length, 1);
    assert.equal(state.owner, theirs);
    // Somebody has put it right: the store was adopted meanwhile.
    state.owner = undefined;
    await guard.admit();
    assert.deepEqual([guard.admitted, guard.refusal], [true, undefined]);
  });

  test('a store of the same installation is refused where it is another runtime group that has it', async () => {
    const group = guardOf(ours, said(`${ours}/payments`));
    await assert.rejects(group.guard.admit(), /belongs to 0f5c-ours\/moonhook\/moonhook and this is .*\/payments/);
    const own = guardOf(`${ours}/payments`, said(`${ours}/payments`));
    await own.guard.admit();
    assert.equal(own.guard.admitted, true);
  });

  test('it is taken over only from the owner that the operator has named', async () => {
    const named = guardOf(theirs, said(ours), { adopt: theirs });
    await named.guard.admit();
    assert.deepEqual([named.state.owner, named.state.adopted], [ours, [`${theirs} ${ours}`]]);
    const other = guardOf(theirs, said(ours), { adopt: 'somebody/else/entirely' });
    await assert.rejects(other.guard.admit());
    assert.equal(other.state.owner, theirs);
  });

  test('without a controller only what this pod was told before counts', async () => {
    await guardOf(ours, away, { remembered: ours }).guard.admit();
    await assert.rejects(guardOf(ours, away).guard.admit(), /not known whose/);
    await assert.rejects(guardOf(theirs, away, { remembered: ours }).guard.admit(), /not known whose/);
    await assert.rejects(guardOf(undefined, away, { remembered: ours }).guard.admit(), /not known whose/);
  });

  test('a controller of the version before is not waited for, and nonsense is no owner', async () => {
    const older = guardOf(theirs, { ok: false, code: 'Unsupported', message: 'an unknown topic' });
    await older.guard.admit();
    assert.deepEqual([older.guard.admitted, older.state.owner], [true, theirs]);
    const untaken = guardOf(undefined, { ok: false, code: 'Unsupported', message: 'an unknown topic' });
    await untaken.guard.admit();
    await guardOf(undefined, away, { remembered: untaken.state.remembered ?? 'nothing' }).guard.admit();
    for (const nonsense of [undefined, 7, '', 'no slashes', `${ours}/more/still`]) {
      const { guard, state } = guardOf(undefined, said(nonsense));
      await assert.rejects(guard.admit(), /not known whose/);
      assert.equal(state.owner, undefined);
    }
  });
});
