import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inlineCodeOf, withInlineCode } from './page/inline-code.ts';

const yaml = `# first
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: hello } # here
spec:
  code: |
    return function()

      return 1
    end
  triggers: []
`;

test('the code of a block is found with its place', () => {
  assert.deepEqual(inlineCodeOf(yaml, 'default', 'hello'), {
    code: 'return function()\n\n  return 1\nend\n',
    line: 7,
    indent: 4,
  });
});

test('another code takes its place, and nothing else changes', () => {
  const changed = withInlineCode(yaml, 'default', 'hello', 'return 2\n\n-- end');
  assert.equal(inlineCodeOf(changed, 'default', 'hello')?.code, 'return 2\n\n-- end\n');
  assert.equal(changed, yaml.replace(/ {4}return function[^]*end\n/, '    return 2\n\n    -- end\n'));
  assert.equal(withInlineCode(changed, 'default', 'hello', inlineCodeOf(yaml, 'default', 'hello')?.code ?? ''), yaml);
});

test('code that is not a plain block stays where it is', () => {
  for (const code of ['"return 1"', '>\n    return 1', '|2\n    return 1']) {
    const other = yaml.replace(/\|\n {4}return[^]*end/, code);
    assert.equal(inlineCodeOf(other, 'default', 'hello'), undefined);
    assert.equal(withInlineCode(other, 'default', 'hello', 'x'), other);
  }
  assert.equal(inlineCodeOf(yaml, 'default', 'other'), undefined);
  assert.equal(inlineCodeOf(yaml, 'team-a', 'hello'), undefined);
  assert.equal(inlineCodeOf('{', 'default', 'hello'), undefined);
});

test('where written code stands is known as reading it again would tell', () => {
  const codes = [
    'return 2',
    'return 2\n',
    '\n\nreturn 2\n\nend',
    '  return 2',
    '\treturn 2',
    '-- é\nreturn "x"\n',
    'x\n\n\n',
  ];
  for (const code of codes) {
    const changed = withInlineCode(yaml, 'default', 'hello', code);
    const told = inlineCodeOf(changed, 'default', 'hello');
    const twice = withInlineCode(changed, 'default', 'hello', 'return 3');
    // Another text is read in between: what was known is forgotten.
    inlineCodeOf(yaml, 'default', 'hello');
    const read = inlineCodeOf(changed, 'default', 'hello');
    assert.deepEqual(
      [told?.line, told?.indent, told?.code.trimEnd()],
      [read?.line, read?.indent, read?.code.trimEnd()],
      code,
    );
    assert.match(twice, / {4}return 3\n\s*triggers: \[\]/, code);
  }
});
