/** Every reason of a function's conditions: stable words, what they mean, what to do. Never renamed or reused. */
import type { Condition, ConditionType } from './types.ts';

interface ReasonEntry {
  /** Conditions it appears on; `Ready` and `Stalled` repeat the reason of the condition that decides. */
  readonly types: readonly (ConditionType | 'Healthy')[];
  readonly status: Condition['status'];
  readonly meaning: string;
  /** What its reader can do. */
  readonly action: string;
}

const nothing = 'Nothing.';

export const conditionReasons = {
  Accepted: {
    types: ['Accepted'],
    status: 'True',
    meaning: 'The resource is valid and a runtime has checked its code.',
    action: nothing,
  },
  ResolvedRefs: {
    types: ['ResolvedRefs'],
    status: 'True',
    meaning: 'Everything the resource refers to is there.',
    action: nothing,
  },
  Programmed: {
    types: ['Programmed'],
    status: 'True',
    meaning: 'Every ready runtime runs this revision.',
    action: nothing,
  },
  Ready: { types: ['Ready'], status: 'True', meaning: 'The function answers its triggers.', action: nothing },
  Suspended: {
    types: ['Ready'],
    status: 'True',
    meaning: 'The resource asks for it: no trigger runs, accepted events wait.',
    action: 'Remove `spec.suspend` to go on.',
  },
  Pending: {
    types: ['Accepted', 'ResolvedRefs', 'Programmed', 'Ready', 'Healthy'],
    status: 'Unknown',
    meaning: 'Nobody has judged this revision yet; on `Healthy`: nothing was sent yet.',
    action: 'Wait; if it stays, look at the controller. On `Healthy`: nothing.',
  },
  Healthy: { types: ['Healthy'], status: 'True', meaning: 'The receiver took the last event.', action: nothing },
  Failing: {
    types: ['Healthy'],
    status: 'False',
    meaning: 'The receiver refused the last event or was not reached; it is tried again by the retry schedule.',
    action: 'The message holds what it answered; `moonhook ping whs/NAME` tries once more.',
  },
  SwitchedOffGone: {
    types: ['Healthy'],
    status: 'False',
    meaning: 'The receiver answered 410 Gone: nothing is sent any more.',
    action: 'Delete the subscription, or edit its spec to try again.',
  },
  SwitchedOffOnlyFailures: {
    types: ['Healthy'],
    status: 'False',
    meaning: 'For five days every attempt has failed: nothing is sent any more.',
    action: 'Mend the receiver, then edit the spec of the subscription to try again.',
  },
  NoRuntimes: {
    types: ['Accepted', 'Programmed'],
    status: 'False',
    meaning: 'No runtime is there to check or run the code.',
    action: 'Look at the pods of the runtime.',
  },
  Invalid: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'A field of the resource cannot be what it is.',
    action: 'The message names the field and what it may be.',
  },
  PolicyDenied: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'The installation allows less than the resource asks for.',
    action: 'Ask for less, or ask the operator of the installation; the message holds the ceiling.',
  },
  HostNotAllowed: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'The namespace may not use this host or absolute path.',
    action: 'Use a relative path, or ask the operator for the host.',
  },
  RouteConflict: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'An older function already answers at this path.',
    action: 'Mount it elsewhere. A function of another namespace is not named.',
  },
  RouteInvalid: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'The path is not a route.',
    action: 'Segments are literals, `:name`, or a final `*`.',
  },
  RouteReserved: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'The path begins with a segment the installation keeps for itself.',
    action: 'Mount it below another first segment.',
  },
  ReceiverUnknown: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'There is no receiver of this name, or none or several are named.',
    action: 'Name exactly one of `moonhook receivers`.',
  },
  ReceiverInvalid: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'The fields of the receiver do not fit together.',
    action: 'The message names the field.',
  },
  ServiceAccountRequired: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'A kubernetes trigger reads with the rights of a ServiceAccount, and none is named.',
    action: 'Set `spec.serviceAccountName`.',
  },
  DuplicateHandler: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'Two triggers have the same handler name.',
    action: 'Rename one of them.',
  },
  CodeTooLarge: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'Code, or code and modules together, are over the limit.',
    action: 'Code has at most 128 KiB, with its modules 1 MiB.',
  },
  NoHandler: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'The module has no handler for a trigger.',
    action: 'Return a function named like the trigger, or `default`.',
  },
  LuaSyntax: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'The code or an expression does not parse.',
    action: 'The message has file, line and column.',
  },
  LuaLoad: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'The top level of the module raised an error.',
    action: 'Clock, randomness and I/O belong into a handler.',
  },
  LuaShape: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'The module returns neither a function nor a table of handlers.',
    action: 'Return one of the two.',
  },
  LuaLoadTimeout: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'The top level of the module ran out of time.',
    action: 'Move work into a handler.',
  },
  LuaLoadCpu: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'The top level of the module used too much CPU time.',
    action: 'Move work into a handler.',
  },
  LuaLoadMemory: {
    types: ['Accepted'],
    status: 'False',
    meaning: 'The top level of the module used too much memory.',
    action: 'Move work into a handler.',
  },
  Rejected: {
    types: ['Accepted', 'Programmed'],
    status: 'False',
    meaning: 'A runtime refused the revision without a reason of its own.',
    action: 'Look at the log of the runtime.',
  },
  NotLoaded: {
    types: ['Programmed'],
    status: 'False',
    meaning: 'A runtime did not load the revision.',
    action: 'Look at the log of the runtime.',
  },
  UnsupportedRuntime: {
    types: ['Programmed'],
    status: 'False',
    meaning: 'A runtime is older than what the revision needs.',
    action: 'Upgrade the runtimes.',
  },
  RuntimeFull: {
    types: ['Programmed'],
    status: 'False',
    meaning: 'A runtime has no place for one more function.',
    action: 'Add runtimes or remove functions.',
  },
  RuntimeUnreachable: {
    types: ['Programmed'],
    status: 'False',
    meaning: 'A runtime takes traffic and has no link to the controller.',
    action: 'Look at the log of the runtime that is named.',
  },
  NotAccepted: {
    types: ['Programmed'],
    status: 'False',
    meaning: 'The resource was not sent to the runtimes.',
    action: 'See the condition `Accepted`.',
  },
  LastGoodServing: {
    types: ['Ready'],
    status: 'False',
    meaning:
      'The newest code is broken; the last good code still serves, under the newest routes, receivers, secrets and limits.',
    action: 'See the condition `Accepted`, and mend the code.',
  },
  SecretNotFound: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'A Secret does not exist.',
    action: 'Create it in the namespace of the function.',
  },
  SecretKeyNotFound: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'A Secret lacks the key.',
    action: 'The message lists the keys it has.',
  },
  SecretTypeRefused: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'Secrets of this type (tokens, bootstrap, Helm) are never given to functions.',
    action: 'Copy what is needed into a Secret of type Opaque.',
  },
  SecretTooWeak: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'A secret is shorter than 16 bytes.',
    action: 'Set a longer one here and at the sender.',
  },
  SecretMalformed: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'A secret is not in the form its receiver needs.',
    action: 'The message says which form.',
  },
  ConfigMapNotFound: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'A ConfigMap does not exist.',
    action: 'Create it in the namespace of the function.',
  },
  ConfigMapKeyNotFound: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'A ConfigMap lacks the key.',
    action: 'The message lists the keys it has.',
  },
  ServiceAccountNotFound: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'The ServiceAccount does not exist.',
    action: 'Create it in the namespace of the function.',
  },
  NotConsented: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'The object lacks the label that lets functions use it.',
    action: 'Run the `kubectl label` command of the message.',
  },
  Forbidden: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'The API server refuses the ServiceAccount or the installation.',
    action: 'Grant verb, resource and namespace of the message.',
  },
  KindNotFound: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'The cluster does not have the kind that a kubernetes trigger names.',
    action: 'Install its definition, or correct `apiVersion` and `kind`; the trigger starts when the kind is there.',
  },
  FileNotFound: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'A file that `file` names does not exist (local run).',
    action: 'Paths are relative to the YAML file.',
  },
  FileUnreadable: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'A file that `file` names cannot be read (local run).',
    action: 'The message says why.',
  },
  CodeNotText: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'Code in a ConfigMap or file is not UTF-8 text.',
    action: 'Save it as UTF-8; bytecode is not accepted.',
  },
  UrlInvalid: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'The Secret of a subscription holds no URL that can be sent to.',
    action: 'Put an absolute http or https URL into the key; the message says what is wrong with it.',
  },
  ValueNotText: {
    types: ['ResolvedRefs'],
    status: 'False',
    meaning: 'A value for `env` is not UTF-8 text.',
    action: 'Encode bytes, for instance as base64.',
  },
} as const satisfies Record<string, ReasonEntry>;
