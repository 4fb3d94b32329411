/** The WebhookFunction schema, the one source of the CRD and of the checks of files. */
import { isObject } from './is-object.ts';
import {
  callback,
  egressTarget,
  keyReference,
  labelPattern,
  limits,
  nameReference,
  objectName,
  retry,
  valueOrSource,
} from './schema-parts.ts';
import { documentSchema } from './schema-document.ts';
import type { ReceiverSchemas } from './schema-receivers.ts';
import { statusSchema } from './schema-status.ts';
import { triggerSchema } from './schema-triggers.ts';
import { exactlyOne, flag, isSet, list, listMap, object, text, type Rule, type SchemaNode } from './schema-node.ts';

/** Longest Lua source in a document, in characters. */
export const codeMaxLength = 131_072;

const code = (description: string): SchemaNode => text(description, codeMaxLength, { minLength: 1 });

const file = (description: string): SchemaNode => ({ ...text(description, 1024, { minLength: 1 }), localOnly: true });

/** In a cluster `file` does not exist, so the API server sees only whether the ConfigMap is named. */
function sourceRule(alternatives: readonly string[]): Rule {
  const inCluster = exactlyOne(alternatives, '');
  const all = [...alternatives, 'file'];
  return {
    cel: alternatives.length === 1 ? `has(self.${alternatives[0] ?? ''})` : inCluster.cel,
    message: `set exactly one of ${all.slice(0, -1).join(', ')} and file (file: in local files only; "moonhook render" inlines it)`,
    check: (self) => all.filter((field) => isSet(self, field)).length === 1,
  };
}

const variableName = (description: string): SchemaNode =>
  text(description, 253, {
    minLength: 1,
    pattern: '^[-._a-zA-Z][-._a-zA-Z0-9]*$',
    expected: 'a variable name: letters, digits, _, - and ., not beginning with a digit',
  });

const specRules: readonly Rule[] = [
  exactlyOne(['code', 'codeFrom'], 'set exactly one of code and codeFrom'),
  {
    cel: 'has(self.class) == has(oldSelf.class) && (!has(self.class) || self.class == oldSelf.class)',
    message: 'class is immutable: delete the function and create it anew',
    check: (self, before) => before === undefined || self.class === before.class,
  },
  {
    cel: 'has(self.serviceAccountName) || !has(self.triggers) || self.triggers.all(t, !has(t.kubernetes))',
    message: 'a kubernetes trigger needs serviceAccountName: whose rights it reads with',
    check: (self) =>
      isSet(self, 'serviceAccountName') ||
      !Array.isArray(self.triggers) ||
      self.triggers.every((trigger: unknown) => !isObject(trigger) || !isSet(trigger, 'kubernetes')),
  },
];

function spec(receivers: ReceiverSchemas): SchemaNode {
  return object(
    'What the function is: its code, what it may use, and what makes it run.',
    {
      class: text('Which installation serves it; default: the one without a class. Immutable.', 63, {
        minLength: 1,
        pattern: labelPattern,
        expected: 'a name of lower case letters, digits and -',
      }),
      suspend: flag('Stops every trigger and keeps positions; asynchronous events are verified, stored and wait.'),
      code: code('Lua module: returns a function, or a table of handlers by trigger name. At most 128 KiB.'),
      codeFrom: object(
        'Where the code stands, instead of code.',
        {
          configMapKeyRef: keyReference('A key of a ConfigMap labelled moonhook.dev/code: "true".', 'ConfigMap'),
          file: file('A file beside this one; local files only.'),
        },
        { rules: [sourceRule(['configMapKeyRef'])] },
      ),
      modules: listMap(
        'Lua modules for require; at most 1 MiB together with the code.',
        object(
          'One module.',
          {
            name: text('Name for require: letters, digits, _ and -, parts joined by dots.', 128, {
              minLength: 1,
              pattern: '^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$',
              expected: 'a module name such as util or lib.text',
            }),
            code: code('Source of the module.'),
            configMapKeyRef: keyReference('A key of a ConfigMap labelled moonhook.dev/code: "true".', 'ConfigMap'),
            file: file('A file beside this one; local files only.'),
          },
          { required: ['name'], rules: [sourceRule(['code', 'configMapKeyRef'])] },
        ),
        64,
        'name',
      ),
      modulesFrom: list(
        'ConfigMaps whose every key *.lua is a module.',
        object(
          'One ConfigMap.',
          { configMapRef: nameReference('A ConfigMap labelled moonhook.dev/code: "true".', 'ConfigMap') },
          { required: ['configMapRef'] },
        ),
        16,
      ),
      env: listMap(
        'Values the code reads from env.',
        object(
          'One value.',
          {
            name: variableName('Name in env.'),
            value: text('The value itself.', 32_768),
            valueFrom: object(
              'Where the value stands, instead of value.',
              {
                secretKeyRef: keyReference('A key of a Secret labelled moonhook.dev/functions: "true".', 'Secret'),
                configMapKeyRef: keyReference('A key of a ConfigMap.', 'ConfigMap'),
              },
              {
                rules: [
                  exactlyOne(
                    ['secretKeyRef', 'configMapKeyRef'],
                    'set exactly one of secretKeyRef and configMapKeyRef',
                  ),
                ],
              },
            ),
          },
          { required: ['name'], rules: [valueOrSource] },
        ),
        128,
        'name',
      ),
      envFrom: list(
        'ConfigMaps and Secrets whose every key becomes a value of env; env itself wins.',
        object(
          'One ConfigMap or Secret.',
          {
            prefix: variableName('Put before each key.'),
            configMapRef: nameReference('A ConfigMap.', 'ConfigMap'),
            secretRef: nameReference('A Secret labelled moonhook.dev/functions: "true".', 'Secret'),
          },
          { rules: [exactlyOne(['configMapRef', 'secretRef'], 'set exactly one of configMapRef and secretRef')] },
        ),
        16,
      ),
      serviceAccountName: objectName(
        'Identity of kubernetes triggers and k8s.*: a ServiceAccount of this namespace labelled moonhook.dev/functions: "true". None: neither is available.',
      ),
      limits: limits('Limits of each call; the installation sets defaults and ceilings.'),
      egress: object(
        'Where the function may send requests.',
        {
          allow: list(
            'Exclusive when present; only ever narrows what the installation allows. An empty list allows nothing.',
            egressTarget(
              'A host such as hooks.slack.com, *.example.com for everything below it, an address or a range.',
            ),
            128,
          ),
        },
        { required: ['allow'] },
      ),
      retry: retry('Asynchronous calls: waits between attempts; 5s 1m 10m 1h by default.'),
      callback: callback('Where a caller may have the result of an asynchronous call sent (X-Callback-Url).'),
      triggers: listMap('What makes the function run.', triggerSchema(receivers), 32, 'name'),
    },
    { rules: specRules },
  );
}

/** The whole document, as the CRD holds it under `openAPIV3Schema`. */
export function functionSchema(receivers: ReceiverSchemas): SchemaNode {
  return documentSchema(
    'WebhookFunction',
    'A webhook function: a few lines of Lua and what makes them run.',
    spec(receivers),
    statusSchema,
  );
}
