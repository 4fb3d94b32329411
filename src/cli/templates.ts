/** Starting points of `moonhook new`: each is a whole file that `moonhook check` accepts. */

export interface Template {
  readonly description: string;
  /** The file's text for a function of that name. */
  text(name: string): string;
  /** What to do next, line by line. */
  next(name: string): readonly string[];
}

/** A name that YAML would read as a number, a truth value or nothing stands in quotes. */
const scalar = (name: string): string =>
  /^(?:\d.*|true|false|null|yes|no|on|off|y|n)$/.test(name) ? `"${name}"` : name;

const head = (name: string): string => `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata:
  name: ${scalar(name)}
`;

export const templates: Readonly<Record<string, Template>> = {
  github: {
    description: 'a GitHub webhook, verified and run asynchronously',
    text: (name) => `${head(name)}spec:
  code: |
    -- Runs for each push. What the sender sent is in event.data.
    return function(event)
      local branch = dig(event.data, "ref") or "?"
      local who = dig(event.data, "pusher", "name") or "somebody"
      log.info("push", { branch = branch, by = who, commits = #(dig(event.data, "commits") or {}) })
    end
  triggers:
    - name: push
      http:
        path: ${scalar(name)}
        receiver:
          github:
            events: [push]
            secretRefs: [{ name: ${scalar(name)}, key: secret }]
`,
    next: (name) => [
      `put the webhook's secret into a file:  echo '${name}.secret=…' >> secrets.env`,
      `run it:                                moonhook dev . --env-file secrets.env`,
      `send a signed request:                 moonhook send default/${name} --as github --event push -d '{"ref":"refs/heads/main"}'`,
    ],
  },
  schedule: {
    description: 'a function that runs at set times',
    text: (name) => `${head(name)}spec:
  code: |
    -- Runs every day at 03:00. The planned time is in event.data.scheduledTime.
    return function(event)
      local runs = kv.incr("runs")
      log.info("nightly run", { number = runs, planned = event.data.scheduledTime })
    end
  triggers:
    - name: nightly
      schedule:
        cron: "0 3 * * *"
        timeZone: UTC
`,
    next: (name) => [
      `serve it:    moonhook dev .`,
      `run it now:  moonhook invoke default/${name} --trigger nightly -d '{"scheduledTime":"2026-01-31T03:00:00.000Z"}'`,
    ],
  },
  event: {
    description: 'a function that runs for events that other functions publish',
    text: (name) => `${head(name)}spec:
  code: |
    -- Runs for each event that somebody publishes: events.publish("com.example.order.created", { id = 1 })
    return function(event)
      log.info("event", { type = event.type, id = event.id })
    end
  triggers:
    - name: orders
      event:
        type: com.example.order.*
`,
    next: (name) => [
      `serve it:  moonhook dev .`,
      `run it:    moonhook invoke default/${name} --trigger orders -d '{"id":1}'`,
    ],
  },
  pod: {
    description: 'a function that hears of Pods in the cluster (needs a cluster)',
    text: (name) => `${head(name)}spec:
  # Whose rights it has; the ServiceAccount needs the label moonhook.dev/functions: "true".
  serviceAccountName: ${scalar(name)}
  code: |
    -- Runs when the number of restarts of a Pod changed.
    return function(event)
      local pod = event.data.object
      log.warn("restarted", { pod = pod.metadata.name, reason = dig(pod, "status", "reason") })
    end
  triggers:
    - name: restarts
      kubernetes:
        apiVersion: v1
        kind: Pod
        events: [Modified]
        changed: |
          local n = 0
          for _, c in ipairs(dig(object, "status", "containerStatuses") or {}) do n = n + c.restartCount end
          return n
`,
    next: (name) => [`a local run has no cluster; apply it:  moonhook render ${name}.yaml | kubectl apply -f -`],
  },
  api: {
    description: 'a small JSON API with several routes',
    text: (name) => `${head(name)}spec:
  code: |
    -- GET reads an item, PUT writes it, DELETE removes it.
    local handlers = {}

    function handlers.GET(id)
      local item = kv.get(id)
      if not item then return 404, { error = "no such item" } end
      return 200, item
    end

    function handlers.PUT(id, event)
      if type(event.data) ~= "table" then return 400, { error = "send a JSON object" } end
      kv.set(id, event.data)
      return 200, event.data
    end

    function handlers.DELETE(id)
      if not kv.delete(id) then return 404, { error = "no such item" } end
      return 204
    end

    return function(event)
      local status, value = handlers[event.request.method](event.request.params.id, event)
      return { status = status, json = value }
    end
  triggers:
    - name: items
      http:
        routes:
          - { path: "${name}/:id", methods: [GET, PUT, DELETE] }
        receiver:
          open: {}
`,
    next: (name) => [
      `run it:    moonhook dev .`,
      `write:     curl -X PUT http://127.0.0.1:8080/default/${name}/1 -H 'Content-Type: application/json' -d '{"a":1}'`,
      `read:      curl http://127.0.0.1:8080/default/${name}/1`,
    ],
  },
};
