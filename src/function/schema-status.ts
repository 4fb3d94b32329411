/** The schema of status: written by the controller only, with a default so that a new object is not ready. */
import { flag, list, listMap, object, oneOf, text, type SchemaNode } from './schema-node.ts';

/** Conditions as every resource has them. */
export const conditionsSchema = (description: string): SchemaNode =>
  listMap(
    description,
    object(
      'One condition.',
      {
        type: text('What the condition is about.', 316, { minLength: 1 }),
        status: oneOf('Whether it holds.', ['True', 'False', 'Unknown']),
        reason: text('Stable word for programs.', 1024, { minLength: 1 }),
        message: text('A sentence for people that says what to do.', 32_768),
        observedGeneration: {
          type: 'integer',
          format: 'int64',
          description: 'Generation of the spec it speaks of.',
          minimum: 0,
        },
        lastTransitionTime: text('When its status last changed.', 64, { format: 'date-time' }),
      },
      { required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'] },
    ),
    16,
    'type',
  );

/** Where stored events are. */
export const runtimeGroupSchema: SchemaNode = text(
  'The runtime group whose store has its events: the one that serves it, or, while the condition Stranded stands, the one before.',
  63,
);

/** Status of a new object: not ready until somebody has judged it. */
export const pendingStatus = {
  conditions: [
    {
      type: 'Ready',
      status: 'Unknown',
      reason: 'Pending',
      message: 'Waiting for the controller',
      lastTransitionTime: '1970-01-01T00:00:00Z',
    },
  ],
};

export const statusSchema: SchemaNode = object(
  'What the installation says about the function.',
  {
    observedGeneration: {
      type: 'integer',
      format: 'int64',
      description: 'Generation of the spec that the conditions speak of.',
      minimum: 0,
    },
    revision: text(
      'Hash of spec, code, modules, configuration, secret versions and effective policy: what the conditions speak of.',
      128,
    ),
    servingRevision: text('The revision whose code is serving: an older one while the newest is broken.', 128),
    conditions: conditionsSchema(
      'What is known about this revision: Accepted, ResolvedRefs, Programmed, Ready, Stalled when only the user can help, and Stranded when events wait in another runtime group.',
    ),
    programmed: text('Runtimes that have this revision, of all, at the last verdict: 3/3.', 32),
    runtimeGroup: runtimeGroupSchema,
    url: text('Public address of the first HTTP trigger.', 2048),
    // A printer column shows only the first of several values (kubernetes/kubectl#517), so the names are one text.
    triggerNames: text('Names of the triggers, joined by commas.', 2560),
    triggers: listMap(
      'What is known of each trigger.',
      object(
        'One trigger.',
        {
          name: text('Name of the trigger.', 63, { minLength: 1 }),
          url: text('Public address.', 2048),
          ready: flag('Whether it fires.'),
          since: text('Of a kubernetes trigger: from then on the final state of every object is told.', 64, {
            format: 'date-time',
          }),
          reason: text('Of a kubernetes trigger that does not fire: stable word for programs.', 128),
          message: text('Of a kubernetes trigger that does not fire: a sentence for people.', 1024),
          lastScheduleTime: text('When the schedule last fired.', 64, { format: 'date-time' }),
          nextScheduleTime: text('When the schedule fires next.', 64, { format: 'date-time' }),
        },
        { required: ['name'] },
      ),
      32,
      'name',
    ),
    refreshRequested: text('When somebody asked to read again what the function refers to.', 64, {
      format: 'date-time',
    }),
    warnings: list('What works but should be changed.', text('One sentence.', 1024), 32),
  },
  { default: pendingStatus },
);
