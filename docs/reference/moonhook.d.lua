---@meta moonhook

---What a handler gets. Fields are read when they are asked for.
---@class moonhook.Event
---@field id string # unique; the same in every attempt
---@field name string # the sender's word: `push`, `invoice.paid`; `request`, `tick`, `added`, `call`, `later`
---@field type string # CloudEvents form of the name: `com.github.push`
---@field source string # who it came from
---@field subject string? # what it is about
---@field attributes table<string, string|integer|boolean>? # what the publisher of an event added: extension attributes of CloudEvents, `dataschema`
---@field time string # when it happened, ISO 8601
---@field trigger string? # name of the trigger
---@field attempt integer # 1 for the first
---@field data any # the body by its content type; for other triggers their data
---@field body string? # the raw bytes
---@field request moonhook.Request? # for HTTP
---@field sender moonhook.Sender? # for HTTP

---The HTTP request of an event. Header names may be asked for in any case.
---@class moonhook.Request
---@field method string # `GET`, `POST` …
---@field path string # canonical path
---@field route string # pattern that matched
---@field params table<string, string> # values of `:name` in the route
---@field query table<string, string> # first value of each name
---@field query_all table<string, string[]> # all values
---@field headers table<string, string> # first value of each name
---@field headers_all table<string, string[]> # all values
---@field host string # host it was sent to
---@field ip string # address of the client

---Who sent the event and how that was proved.
---@class moonhook.Sender
---@field name string # the receiver's name, or `caller`
---@field verified "signature"|"secret"|"none" # what proved it
---@field subject string? # user, where there is one
---@field claims table? # claims of a token

---An error answer. Prints as its message, also when it is joined to a text.
---@class moonhook.Error
---@field message string # what happened
---@field status integer? # HTTP status, where there is one
---@field retry_after number? # seconds the other side asks to wait
---@field rule string? # the rule of the outbound guard that refused
---@field body string? # first 4 KiB of an unexpected answer
---@field permanent boolean? # set by `fail`: no further attempts

---Options of an outgoing request.
---@class moonhook.HttpOptions
---@field query table<string, string|number|boolean|table>? # added to the URL
---@field headers table<string, string|string[]>? # request headers
---@field json any? # body as JSON, with its content type
---@field form table<string, string|number|boolean|table>? # body as a form, with its content type
---@field body string? # body as it is
---@field auth {bearer: string}|{user: string, password: string}|nil # the authorization header
---@field timeout number? # seconds, default 10
---@field redirects integer? # hops followed, default 5
---@field expect "2xx"|"3xx"|integer|integer[]|nil # other statuses answer `nil, err`

---An outgoing request in one table.
---@class moonhook.HttpRequest
---@field method string? # default `GET`
---@field url string # absolute, http or https
---@field query table<string, string|number|boolean|table>? # added to the URL
---@field headers table<string, string|string[]>? # request headers
---@field json any? # body as JSON, with its content type
---@field form table<string, string|number|boolean|table>? # body as a form, with its content type
---@field body string? # body as it is
---@field auth {bearer: string}|{user: string, password: string}|nil # the authorization header
---@field timeout number? # seconds, default 10
---@field redirects integer? # hops followed, default 5
---@field expect "2xx"|"3xx"|integer|integer[]|nil # other statuses answer `nil, err`

---An answer. Returned from a handler as it is, it becomes the answer of the function.
---@class moonhook.Response
---@field status integer # HTTP status
---@field headers table<string, string> # names in any case; several values joined by a comma
---@field body string # bytes, decompressed
---@field json fun(): any, moonhook.Error? # decodes the body, or answers `nil, err`
---@field headers_all table<string, string[]> # all values
---@field url string? # address that answered, after redirects

---Parts of a URL.
---@class moonhook.Url
---@field scheme string? # `https`
---@field host string? # lower case, punycode
---@field port integer? # nil: the default of the scheme
---@field path string? # with leading slash
---@field query string|table|nil # without question mark
---@field fragment string? # without number sign
---@field user string? # decoded
---@field password string? # decoded
---@field href string? # the whole, normalised

---A space of keys; its functions are those of `kv`.
---@class moonhook.KeyValue
---@field get fun(key: string): any # as `kv.get`
---@field set fun(key: string, value: any, options?: number|table): boolean?, moonhook.Error? # as `kv.set`
---@field delete fun(key: string): boolean # as `kv.delete`
---@field list fun(prefix?: string, options?: table): string[], string? # as `kv.list`
---@field add fun(key: string, value: any, options?: number|table): boolean # as `kv.add`
---@field incr fun(key: string, delta?: integer, options?: number|table): integer?, moonhook.Error? # as `kv.incr`
---@field cas fun(key: string, expected: any, value: any, options?: number|table): boolean # as `kv.cas`

---An element of a document.
---@class moonhook.XmlElement
---@field name string # with its prefix
---@field attributes table<string, string> # name → value
---@field children (moonhook.XmlElement|string)[] # in order; texts of white space only are left out
---@field text string # its own text, without its children's

---Waits; other calls run meanwhile.
---
--- * raises if the number is negative or not finite; a sleep beyond the time limit ends the call as timeout
---
---```lua
---return function()
---  sleep(0.01)
---  return "rested"
---end
---```
---@param seconds number # with fractions
function sleep(seconds) end

---Ends the call at once with an answer; no pcall catches it. An asynchronous call ends as done.
---
---
---```lua
---return function(event)
---  if not event.name then exit(400, "no name") end
---  return "fine"
---end
---```
---@param status? integer # HTTP status
---@param body? any # text, or a table sent as JSON
---@param headers? table<string, string> # response headers
function exit(status, body, headers) end

---Runs functions at the same time, waits for all and gives their first results in order. Errors are raised after all have ended.
---
--- * raises the error of the first function that failed, after all have ended
---
---```lua
---return function()
---  local a, b = parallel(function() sleep(0.01) return 1 end, function() return 2 end)
---  assert(a == 1 and b == 2)
---end
---```
---@param ... fun(): any # at most 16 run at once
---@return any ... # one result for each function
function parallel(...) end

---The values of `spec.env` and `spec.envFrom`, read-only: `env.CHANNEL`.
---
--- * raises on assignment
---
---```lua
---return function()
---  assert(env.NO_SUCH_NAME == nil)
---end
---```
---@type table<string, string>
env = nil

---An error value that ends an asynchronous event at once, without further attempts: `error(fail "reason")`.
---
--- * raises if the reason is not a string
---
---```lua
---return function(event)
---  local ok, err = pcall(error, fail "no such customer")
---  assert(not ok and err.permanent and tostring(err) == "no such customer")
---end
---```
---@param reason string # shown in the record
---@return moonhook.Error err # with `permanent = true`
function fail(reason) end

---An error value that asks for the next attempt after some seconds: `error(retry_after(30))`.
---
--- * raises if the number is out of range
---
---```lua
---return function(event)
---  local ok, err = pcall(error, retry_after(30))
---  assert(not ok and err.retry_after == 30)
---end
---```
---@param seconds number # 0 to 86400
---@param reason? string # shown in the record
---@return moonhook.Error err # with `retry_after`
function retry_after(seconds, reason) end

---Follows keys into nested tables and gives nil where a step is missing.
---
--- * never raises
---
---```lua
---return function()
---  local data = { commit = { author = { name = "Ada" } } }
---  assert(dig(data, "commit", "author", "name") == "Ada")
---  assert(dig(data, "commit", "committer", "name") == nil)
---end
---```
---@param value any # where to start
---@param ... any # keys
---@return any found # the value, or nil
function dig(value, ...) end

---Writes any value for people: keys sorted, cycles and depth marked. Of `nil, err`, as functions answer it that failed, both.
---
--- * never raises for a value
---
---```lua
---return function()
---  assert(inspect({ 1, "a", x = { true } }) == '{1, "a", x = {true}}')
---  assert(inspect(base64.decode("!")):find("nil, {message", 1, true) == 1)
---end
---```
---@param value any # what to show
---@param depth? integer # levels of tables, default 8, at most 20
---@return string text # Lua-like text
function inspect(value, depth) end

---Outgoing HTTP requests. Only globally reachable addresses within `spec.egress.allow` and what the installation allows; every redirect is checked again and loses its credentials at another origin. Headers of the connection, `webhook-*` and `x-moonhook-*` cannot be set.
---@class moonhook.module.http
http = {}

---Sends a request described by one table.
---
--- * answers `nil, err` if the request is not allowed, cannot be sent, takes too long, the answer is over 4 MiB, or `expect` is not met
--- * raises for unknown options and wrong types
---
---```lua
---return function()
---  local response = assert(http.request({ method = "PUT", url = env.API .. "/items/1", json = { name = "lamp" } }))
---  assert(response.status == 200)
---end
---```
---@param request moonhook.HttpRequest # `method` (default GET), `url`, and the options: `query` (table), `headers` (table; a list repeats a header), one of `json` (any value), `form` (table) and `body` (string), `auth` (`{ bearer = … }` or `{ user = …, password = … }`), `timeout` (seconds, default 10, never beyond the call), `redirects` (default 5, at most 10, 0: none), `expect` (`"2xx"`, a status or a list: anything else answers `nil, err`)
---@return moonhook.Response? response # `status`, `headers` (any case), `body`; `json()` decodes the body or answers `nil, err`; `headers_all` (lists), `url` (after redirects)
---@return moonhook.Error? err # `message`; `rule` if the request is not allowed; `status`, `body` (first 4 KiB) and `retry_after` if `expect` was not met
function http.request(request) end

---Sends a GET request.
---
--- * answers `nil, err` if the request is not allowed, cannot be sent, takes too long, the answer is over 4 MiB, or `expect` is not met
--- * raises for unknown options and wrong types
---
---```lua
---return function()
---  local response = assert(http.get(env.API .. "/echo", { query = { q = "a b" }, timeout = 2 }))
---  assert(response.headers["Content-Type"] == "application/json")
---  assert(response.json().query.q == "a b")
---end
---```
---@param url string # absolute, http or https
---@param options? moonhook.HttpOptions # `query` (table), `headers` (table; a list repeats a header), one of `json` (any value), `form` (table) and `body` (string), `auth` (`{ bearer = … }` or `{ user = …, password = … }`), `timeout` (seconds, default 10, never beyond the call), `redirects` (default 5, at most 10, 0: none), `expect` (`"2xx"`, a status or a list: anything else answers `nil, err`)
---@return moonhook.Response? response # `status`, `headers` (any case), `body`; `json()` decodes the body or answers `nil, err`; `headers_all` (lists), `url` (after redirects)
---@return moonhook.Error? err # `message`; `rule` if the request is not allowed; `status`, `body` (first 4 KiB) and `retry_after` if `expect` was not met
function http.get(url, options) end

---Sends a POST request.
---
--- * answers `nil, err` if the request is not allowed, cannot be sent, takes too long, the answer is over 4 MiB, or `expect` is not met
--- * raises for unknown options and wrong types
---
---```lua
---return function()
---  assert(http.post(env.API .. "/echo", { json = { text = "deployed" }, expect = "2xx" }))
---end
---```
---@param url string # absolute, http or https
---@param options? moonhook.HttpOptions # `query` (table), `headers` (table; a list repeats a header), one of `json` (any value), `form` (table) and `body` (string), `auth` (`{ bearer = … }` or `{ user = …, password = … }`), `timeout` (seconds, default 10, never beyond the call), `redirects` (default 5, at most 10, 0: none), `expect` (`"2xx"`, a status or a list: anything else answers `nil, err`)
---@return moonhook.Response? response # `status`, `headers` (any case), `body`; `json()` decodes the body or answers `nil, err`; `headers_all` (lists), `url` (after redirects)
---@return moonhook.Error? err # `message`; `rule` if the request is not allowed; `status`, `body` (first 4 KiB) and `retry_after` if `expect` was not met
function http.post(url, options) end

---Sends a PUT request.
---
--- * answers `nil, err` if the request is not allowed, cannot be sent, takes too long, the answer is over 4 MiB, or `expect` is not met
--- * raises for unknown options and wrong types
---
---```lua
---return function()
---  assert(http.put(env.API .. "/echo", { body = "plain text", headers = { ["Content-Type"] = "text/plain" } }))
---end
---```
---@param url string # absolute, http or https
---@param options? moonhook.HttpOptions # `query` (table), `headers` (table; a list repeats a header), one of `json` (any value), `form` (table) and `body` (string), `auth` (`{ bearer = … }` or `{ user = …, password = … }`), `timeout` (seconds, default 10, never beyond the call), `redirects` (default 5, at most 10, 0: none), `expect` (`"2xx"`, a status or a list: anything else answers `nil, err`)
---@return moonhook.Response? response # `status`, `headers` (any case), `body`; `json()` decodes the body or answers `nil, err`; `headers_all` (lists), `url` (after redirects)
---@return moonhook.Error? err # `message`; `rule` if the request is not allowed; `status`, `body` (first 4 KiB) and `retry_after` if `expect` was not met
function http.put(url, options) end

---Sends a PATCH request.
---
--- * answers `nil, err` if the request is not allowed, cannot be sent, takes too long, the answer is over 4 MiB, or `expect` is not met
--- * raises for unknown options and wrong types
---
---```lua
---return function()
---  assert(http.patch(env.API .. "/echo", { json = { done = true }, auth = { bearer = "token" } }))
---end
---```
---@param url string # absolute, http or https
---@param options? moonhook.HttpOptions # `query` (table), `headers` (table; a list repeats a header), one of `json` (any value), `form` (table) and `body` (string), `auth` (`{ bearer = … }` or `{ user = …, password = … }`), `timeout` (seconds, default 10, never beyond the call), `redirects` (default 5, at most 10, 0: none), `expect` (`"2xx"`, a status or a list: anything else answers `nil, err`)
---@return moonhook.Response? response # `status`, `headers` (any case), `body`; `json()` decodes the body or answers `nil, err`; `headers_all` (lists), `url` (after redirects)
---@return moonhook.Error? err # `message`; `rule` if the request is not allowed; `status`, `body` (first 4 KiB) and `retry_after` if `expect` was not met
function http.patch(url, options) end

---Sends a DELETE request.
---
--- * answers `nil, err` if the request is not allowed, cannot be sent, takes too long, the answer is over 4 MiB, or `expect` is not met
--- * raises for unknown options and wrong types
---
---```lua
---return function()
---  local response, err = http.delete(env.API .. "/status/404", { expect = { 200, 204 } })
---  assert(response == nil and err.status == 404)
---end
---```
---@param url string # absolute, http or https
---@param options? moonhook.HttpOptions # `query` (table), `headers` (table; a list repeats a header), one of `json` (any value), `form` (table) and `body` (string), `auth` (`{ bearer = … }` or `{ user = …, password = … }`), `timeout` (seconds, default 10, never beyond the call), `redirects` (default 5, at most 10, 0: none), `expect` (`"2xx"`, a status or a list: anything else answers `nil, err`)
---@return moonhook.Response? response # `status`, `headers` (any case), `body`; `json()` decodes the body or answers `nil, err`; `headers_all` (lists), `url` (after redirects)
---@return moonhook.Error? err # `message`; `rule` if the request is not allowed; `status`, `body` (first 4 KiB) and `retry_after` if `expect` was not met
function http.delete(url, options) end

---Sends a HEAD request.
---
--- * answers `nil, err` if the request is not allowed, cannot be sent, takes too long, the answer is over 4 MiB, or `expect` is not met
--- * raises for unknown options and wrong types
---
---```lua
---return function()
---  assert(#assert(http.head(env.API .. "/echo")).body == 0)
---end
---```
---@param url string # absolute, http or https
---@param options? moonhook.HttpOptions # `query` (table), `headers` (table; a list repeats a header), one of `json` (any value), `form` (table) and `body` (string), `auth` (`{ bearer = … }` or `{ user = …, password = … }`), `timeout` (seconds, default 10, never beyond the call), `redirects` (default 5, at most 10, 0: none), `expect` (`"2xx"`, a status or a list: anything else answers `nil, err`)
---@return moonhook.Response? response # `status`, `headers` (any case), `body`; `json()` decodes the body or answers `nil, err`; `headers_all` (lists), `url` (after redirects)
---@return moonhook.Error? err # `message`; `rule` if the request is not allowed; `status`, `body` (first 4 KiB) and `retry_after` if `expect` was not met
function http.head(url, options) end

---Calls another function of the own namespace and waits for its answer. It runs in a machine of its own, within the deadline of the caller.
---
--- * answers `nil, err` if the function is missing, fails, or the chain of calls is longer than 8
--- * raises for data that is not plain
---
---```lua
---return function()
---  local answer = assert(call("greeter", { name = "Ada" }))
---  assert(answer.status == 200 and answer.json().hello == "Ada")
---end
---```
---@param name string # the function
---@param data any # plain data, `event.data` there
---@param options? {handler?: string} # `handler` (default `call`, else `default`)
---@return moonhook.Response? response # as of `http`: `status`, `headers`, `body`, `json()`
---@return moonhook.Error? err # `message`, and `status` where there is one
function call(name, data, options) end

---Runs a handler of this function later, as an asynchronous event with retries: answer now, finish later. Durable when it returns, if the installation has a store; an asynchronous call enqueues when its own event is settled.
---
--- * answers `nil, err` if the events that descend from one are used up, or the quota of the namespace is
--- * raises for a handler that the function does not have, a bad delay or data without JSON form
---
---```lua
---return {
---  default = function(event)
---    later("remind", { user = 42 }, { delay = 60, key = "remind:42" })
---    return "will do"
---  end,
---  remind = function(event) log.info("reminded", event.data) end,
---}
---```
---@param handler string # the handler's name, as the module returns it
---@param data any # plain data, `event.data` there
---@param options? {delay?: number, key?: string} # `delay` in seconds; `key`: replaces what waits under the same key
---@return string? id # for `cancel`
---@return moonhook.Error? err # why not
function later(handler, data, options) end

---Cancels what `later` put off and has not begun yet.
---
--- * raises if the id is not a string
---
---```lua
---return {
---  default = function()
---    local id = later("remind", nil, { delay = 60 })
---    assert(cancel(id) == true and cancel(id) == false)
---  end,
---  remind = function() end,
---}
---```
---@param id string # the id `later` gave, or the key
---@return boolean cancelled # false: nothing waits under it
function cancel(id) end

---Events of the own namespace, for event triggers and subscriptions there.
---@class moonhook.module.events
events = {}

---Publishes an event. Durable when it returns, if the installation has a store; an asynchronous call publishes when its own event is settled. The source is set by the host.
---
--- * answers `nil, err` if the chain of events is longer than 8, the events that descend from one are used up, or the quota of the namespace is
--- * raises for a bad type, option or data without JSON form
---
---```lua
---return function(event)
---  local id = assert(events.publish("com.acme.order.created", { total = 12 }, { subject = "order-42" }))
---  log.info("published", { id = id })
---end
---```
---@param type string # `com.acme.order.created`; `dev.moonhook.*` belongs to the host
---@param data any # plain data
---@param options? {id?: string, subject?: string, channel?: string, attributes?: table<string, string|integer|boolean>, delay?: number} # `id` (an event of the same id is published once), `subject`, `channel` (narrows to subscriptions of that channel), `attributes` (further ones: names of lower-case letters and digits), `delay` in seconds
---@return string? id # the event's id
---@return moonhook.Error? err # why not
function events.publish(type, data, options) end

---Values that outlive a call: per function, or shared in the namespace with `kv.shared(name)`. In a synchronous call each operation is durable at once; in an asynchronous one writes land together when the event is settled.
---@class moonhook.module.kv
kv = {}

---Gives the value of a key.
---
--- * raises for a bad key, a value without JSON form or a bad option
---
---```lua
---return function()
---  kv.set("greeting", { text = "hello" })
---  assert(kv.get("greeting").text == "hello" and kv.get("nothing") == nil)
---end
---```
---@param key string # 1 to 512 bytes
---@return any value # the value, or nil
function kv.get(key) end

---Sets a key.
---
--- * answers `nil, err` if the quota of the namespace is used up
--- * raises for a bad key, a value without JSON form or a bad option
---
---```lua
---return function()
---  assert(kv.set("session:42", { user = "ada" }, { ttl = 3600 }))
---end
---```
---@param key string # 1 to 512 bytes
---@param value any # anything with a JSON form, no nil
---@param options? number|{ttl?: number} # `ttl` in seconds, after which the key is gone
---@return boolean? ok # true
---@return moonhook.Error? err # why not
function kv.set(key, value, options) end

---Removes a key.
---
--- * raises for a bad key, a value without JSON form or a bad option
---
---```lua
---return function()
---  kv.set("k", 1)
---  assert(kv.delete("k") == true and kv.delete("k") == false)
---end
---```
---@param key string # 1 to 512 bytes
---@return boolean existed # whether it was there
function kv.delete(key) end

---Lists keys with a prefix in byte order, a page at a time.
---
--- * raises for a bad key, a value without JSON form or a bad option
---
---```lua
---return function()
---  kv.set("user:1", "a") kv.set("user:2", "b") kv.set("other", "c")
---  local keys = kv.list("user:")
---  assert(#keys == 2 and keys[1] == "user:1")
---end
---```
---@param prefix? string # default: all keys
---@param options? {limit?: integer, cursor?: string} # `limit` (default 100, at most 1000), `cursor` of the page before
---@return string[] keys # the keys
---@return string? cursor # for the next page; nil: this was the last
function kv.list(prefix, options) end

---Sets a key only if it is not there: a claim. In an asynchronous call the claim is durable at once and belongs to the event: its retries own it, a dead event gives it back.
---
--- * answers `nil, err` if the quota of the namespace is used up
--- * raises for a bad key, a value without JSON form or a bad option
---
---```lua
---return function()
---  if kv.add("alerted:web-1", true, 3600) then log.warn("first alert of this hour") end
---  assert(kv.add("alerted:web-1", true) == false)
---end
---```
---@param key string # 1 to 512 bytes
---@param value any # anything with a JSON form, no nil
---@param options? number|{ttl?: number} # `ttl` in seconds, after which the key is gone
---@return boolean? added # false: it was taken
---@return moonhook.Error? err # why not
function kv.add(key, value, options) end

---Adds to an integer; a key that is not there counts as 0.
---
--- * answers `nil, err` if the key holds something else than an integer, or the quota of the namespace is used up
--- * raises for a bad key, a value without JSON form or a bad option
---
---```lua
---return function()
---  assert(kv.incr("visits") == 1 and kv.incr("visits", 10) == 11)
---end
---```
---@param key string # 1 to 512 bytes
---@param delta? integer # default 1
---@param options? number|{ttl?: number} # `ttl` in seconds, after which the key is gone
---@return integer? value # the new value
---@return moonhook.Error? err # why not
function kv.incr(key, delta, options) end

---Sets a key if its value equals the expected one (compare and set).
---
--- * answers `nil, err` if the quota of the namespace is used up
--- * raises for a bad key, a value without JSON form or a bad option
---
---```lua
---return function()
---  assert(kv.cas("state", nil, { step = 1 }))
---  assert(kv.cas("state", { step = 1 }, { step = 2 }) and not kv.cas("state", { step = 1 }, { step = 3 }))
---end
---```
---@param key string # 1 to 512 bytes
---@param expected any # the value it must have; nil: it must not be there
---@param value any # anything with a JSON form, no nil
---@param options? number|{ttl?: number} # `ttl` in seconds, after which the key is gone
---@return boolean? set # false: the value was another
---@return moonhook.Error? err # why not
function kv.cas(key, expected, value, options) end

---The same functions over a space that all functions of the namespace share.
---
--- * raises for a bad name
---
---```lua
---return function()
---  local flags = kv.shared("flags")
---  flags.set("beta", true)
---  assert(flags.get("beta") == true and kv.get("beta") == nil)
---end
---```
---@param name string # 1 to 63 letters, digits, `-`, `_`, `.`
---@return moonhook.KeyValue space # `get set delete list add incr cas`
function kv.shared(name) end

---Objects of the cluster, read and written as the ServiceAccount of `spec.serviceAccountName`: what it may do is decided by its roles. The namespace is that of the function unless `namespace` names another. Subresources: `scale`, `status`, `eviction` of pods. In a local run there is no cluster: every function answers `nil, err`. `metadata.managedFields` is left out.
---@class moonhook.module.k8s
k8s = {}

---Reads one object.
---
--- * answers `nil, err` without a cluster or a ServiceAccount, if the roles do not allow it, the API server refuses or is away, or the answer is over 1 MiB
--- * raises for wrong types and unknown options
---
---```lua
---return function()
---  local config, err = k8s.get("v1", "ConfigMap", "settings")
---  if config == nil and err.status == 404 then return "no settings yet" end
---  if config == nil then return { status = 502, body = err.message } end
---  return config.data.greeting
---end
---```
---@param apiVersion string # `v1`, `apps/v1`
---@param kind string # `ConfigMap`, `Deployment`; custom resources too
---@param name string # of the object
---@param options? {namespace?: string, subresource?: string, metadataOnly?: boolean} # `namespace` (default: that of the function), `subresource` (`status`, `scale`), `metadataOnly` (nothing but the metadata)
---@return table? object # as the API server holds it now
---@return moonhook.Error? err # `message`; `status` of the API server where it answered, `reason` (`NotFound`, `Forbidden`, `Conflict`, `TooLarge`), `retry_after` if it asks to wait
function k8s.get(apiVersion, kind, name, options) end

---Reads all objects of a kind in one namespace, page after page.
---
--- * answers `nil, err` without a cluster or a ServiceAccount, if the roles do not allow it, the API server refuses or is away, or the answer is over 1 MiB
--- * raises for wrong types and unknown options
---
---```lua
---return function()
---  local pods, err = k8s.list("v1", "Pod", { labelSelector = "app=web", metadataOnly = true })
---  if pods == nil then return { status = 502, body = err.message } end
---  return { json = { pods = #pods } }
---end
---```
---@param apiVersion string # `v1`, `apps/v1`
---@param kind string # `ConfigMap`, `Deployment`; custom resources too
---@param options? {namespace?: string, labelSelector?: string, metadataOnly?: boolean} # `namespace`, `labelSelector` (`app=web,tier!=db`), `metadataOnly`
---@return table[]? objects # in the order of the API server
---@return moonhook.Error? err # `message`; `status` of the API server where it answered, `reason` (`NotFound`, `Forbidden`, `Conflict`, `TooLarge`), `retry_after` if it asks to wait
function k8s.list(apiVersion, kind, options) end

---Calls a function with each object of a kind, page after page, without holding all of them.
---
--- * answers `nil, err` without a cluster or a ServiceAccount, if the roles do not allow it, the API server refuses or is away, or the answer is over 1 MiB
--- * raises for wrong types and unknown options
---
---```lua
---return function()
---  local restarts = 0
---  local done, err = k8s.each("v1", "Pod", { labelSelector = "app=web" }, function(pod)
---    for _, container in ipairs(pod.status.containerStatuses or {}) do restarts = restarts + container.restartCount end
---  end)
---  if not done then return { status = 502, body = err.message } end
---  return { json = { restarts = restarts } }
---end
---```
---@param apiVersion string # `v1`, `apps/v1`
---@param kind string # `ConfigMap`, `Deployment`; custom resources too
---@param options? {namespace?: string, labelSelector?: string, metadataOnly?: boolean} # as of `k8s.list`; nil for none
---@param visit fun(object: table): any # ends the walk by returning false
---@return boolean? done # true
---@return moonhook.Error? err # `message`; `status` of the API server where it answered, `reason` (`NotFound`, `Forbidden`, `Conflict`, `TooLarge`), `retry_after` if it asks to wait
function k8s.each(apiVersion, kind, options, visit) end

---Creates an object, or with `subresource = "eviction"` evicts a pod.
---
--- * answers `nil, err` without a cluster or a ServiceAccount, if the roles do not allow it, the API server refuses or is away, or the answer is over 1 MiB
--- * raises for wrong types and unknown options
---
---```lua
---return function()
---  local made, err = k8s.create("v1", "ConfigMap", "seen", { data = { by = "a webhook" } })
---  if made == nil and err.reason == "AlreadyExists" then return "seen before" end
---  return made and "seen" or { status = 502, body = err.message }
---end
---```
---@param apiVersion string # `v1`, `apps/v1`
---@param kind string # `ConfigMap`, `Deployment`; custom resources too
---@param name? string # nil: `metadata.generateName` of the object decides
---@param object table # the object; apiVersion, kind and name are filled in
---@param options? {namespace?: string, subresource?: string} # `namespace`, `subresource` (`eviction`)
---@return table? object # as the API server holds it now
---@return moonhook.Error? err # `message`; `status` of the API server where it answered, `reason` (`NotFound`, `Forbidden`, `Conflict`, `TooLarge`), `retry_after` if it asks to wait
function k8s.create(apiVersion, kind, name, object, options) end

---Replaces an object. With its `metadata.resourceVersion` only if nobody changed it meanwhile.
---
--- * answers `nil, err` without a cluster or a ServiceAccount, if the roles do not allow it, the API server refuses or is away, or the answer is over 1 MiB
--- * raises for wrong types and unknown options
---
---```lua
---return function()
---  local config, err = k8s.get("v1", "ConfigMap", "settings")
---  if config == nil then return { status = 502, body = err.message } end
---  config.data.greeting = "hello"
---  config, err = k8s.update("v1", "ConfigMap", "settings", config)
---  if config == nil and err.reason == "Conflict" then return retry_after(1) end
---end
---```
---@param apiVersion string # `v1`, `apps/v1`
---@param kind string # `ConfigMap`, `Deployment`; custom resources too
---@param name string # of the object
---@param object table # the whole object
---@param options? {namespace?: string, subresource?: string} # `namespace` (default: that of the function), `subresource` (`status`, `scale`)
---@return table? object # as the API server holds it now
---@return moonhook.Error? err # `message`; `status` of the API server where it answered, `reason` (`NotFound`, `Forbidden`, `Conflict`, `TooLarge`), `retry_after` if it asks to wait
function k8s.update(apiVersion, kind, name, object, options) end

---Changes parts of an object.
---
--- * answers `nil, err` without a cluster or a ServiceAccount, if the roles do not allow it, the API server refuses or is away, or the answer is over 1 MiB
--- * raises for wrong types and unknown options
---
---```lua
---return function()
---  local scaled, err = k8s.patch("apps/v1", "Deployment", "web", { spec = { replicas = 3 } }, { subresource = "scale" })
---  return scaled and "scaled" or { status = 502, body = err.message }
---end
---```
---@param apiVersion string # `v1`, `apps/v1`
---@param kind string # `ConfigMap`, `Deployment`; custom resources too
---@param name string # of the object
---@param patch table # by its type; `json.null` removes a member in a merge patch
---@param options? {namespace?: string, subresource?: string, type?: "merge"|"strategic"|"json"} # `namespace` (default: that of the function), `subresource` (`status`, `scale`), `type` (default `merge`)
---@return table? object # as the API server holds it now
---@return moonhook.Error? err # `message`; `status` of the API server where it answered, `reason` (`NotFound`, `Forbidden`, `Conflict`, `TooLarge`), `retry_after` if it asks to wait
function k8s.patch(apiVersion, kind, name, patch, options) end

---Deletes an object; what it owns follows in the background.
---
--- * answers `nil, err` without a cluster or a ServiceAccount, if the roles do not allow it, the API server refuses or is away, or the answer is over 1 MiB
--- * raises for wrong types and unknown options
---
---```lua
---return function()
---  local gone, err = k8s.delete("v1", "ConfigMap", "seen")
---  if not gone and err.status ~= 404 then log.warn("not deleted", { why = err.message }) end
---end
---```
---@param apiVersion string # `v1`, `apps/v1`
---@param kind string # `ConfigMap`, `Deployment`; custom resources too
---@param name string # of the object
---@param options? {namespace?: string} # `namespace`
---@return boolean? done # true: it goes
---@return moonhook.Error? err # `message`; `status` of the API server where it answered, `reason` (`NotFound`, `Forbidden`, `Conflict`, `TooLarge`), `retry_after` if it asks to wait
function k8s.delete(apiVersion, kind, name, options) end

---Makes an object be as said (server-side apply with force): members that are not named stay as others set them. The field manager is `moonhook-` and the name of the function.
---
--- * answers `nil, err` without a cluster or a ServiceAccount, if the roles do not allow it, the API server refuses or is away, or the answer is over 1 MiB
--- * raises for wrong types and unknown options
---
---```lua
---return function(event)
---  local applied, err = k8s.apply("v1", "ConfigMap", "release", { data = { version = "1.2.3" } })
---  return applied and applied.metadata.resourceVersion or { status = 502, body = err.message }
---end
---```
---@param apiVersion string # `v1`, `apps/v1`
---@param kind string # `ConfigMap`, `Deployment`; custom resources too
---@param name string # of the object
---@param object table # what is to hold
---@param options? {namespace?: string, subresource?: string} # `namespace` (default: that of the function), `subresource` (`status`, `scale`)
---@return table? object # as the API server holds it now
---@return moonhook.Error? err # `message`; `status` of the API server where it answered, `reason` (`NotFound`, `Forbidden`, `Conflict`, `TooLarge`), `retry_after` if it asks to wait
function k8s.apply(apiVersion, kind, name, object, options) end

---Reads the last lines of the log of a container.
---
--- * answers `nil, err` without a cluster or a ServiceAccount, if the roles do not allow it, the API server refuses or is away, or the answer is over 1 MiB
--- * raises for wrong types and unknown options
---
---```lua
---return function()
---  local text, err = k8s.logs("web-0", { tail = 20 })
---  return text or { status = 502, body = err.message }
---end
---```
---@param pod string # name of the pod
---@param options? {namespace?: string, container?: string, previous?: boolean, tail?: integer} # `container` (needed if there are several), `previous` (of the container before its restart), `tail` (lines, default 100, at most 10,000)
---@return string? text # the lines
---@return moonhook.Error? err # `message`; `status` of the API server where it answered, `reason` (`NotFound`, `Forbidden`, `Conflict`, `TooLarge`), `retry_after` if it asks to wait
function k8s.logs(pod, options) end

---A cache of the process: per function, not durable, each process has its own.
---@class moonhook.module.cache
cache = {}

---Gives the cached value of a key, or runs the loader and keeps its result. Of several calls that miss at once one loads, the others wait for it.
---
--- * raises what the loader raises, for values that are not plain data, and where a loader asks for its own key
---
---```lua
---return function()
---  local function load() return { rate = 1.08 } end
---  local first = cache.get("rates", { ttl = 60 }, load)
---  local again = cache.get("rates", { ttl = 60 }, function() error("not reached") end)
---  assert(first.rate == 1.08 and again.rate == 1.08)
---end
---```
---@param key string # 1 to 512 bytes
---@param options? {ttl?: number} # `ttl` in seconds, default 60, at most 86400
---@param loader fun(key: string): any # gives the value; nil is not kept
---@return any value # plain data; a fresh copy for each call
function cache.get(key, options, loader) end

---JSON (RFC 8259). Integers keep 64 bits, a null member is absent, a null element is `json.null`, empty arrays and objects keep their kind.
---@class moonhook.module.json
json = {}

---Writes a value as JSON. A sequence is an array, any other table an object, `5.0` is `5`. A table with positive integer keys and gaps becomes an array with nulls unless its highest key is above 10 and above twice its size.
---
--- * raises with the path of the value for functions, cycles, NaN, infinity, strings that are not UTF-8, arrays with too many gaps, depth over 64, more than 40000 names and values, or 1 MiB of text
---
---```lua
---return function()
---  local text = json.encode({ 1, 2.0, "three", json.null })
---  assert(text == '[1,2,"three",null]')
---  return text
---end
---```
---@param value any # nil, boolean, number, string or a table of those
---@return string text # the JSON text
function json.encode(value) end

---Reads a JSON text. Integers stay exact, a null member is absent, a null element is `json.null`; of equal names the last counts.
---
--- * raises with line and column where the text is not JSON, or is over a cap; `require "cjson.safe"` has a decode that answers nil and the message
---
---```lua
---return function()
---  local order = json.decode('{"id": 9007199254740993, "items": [1, null], "note": null}')
---  assert(order.id == 9007199254740993 and order.items[2] == json.null and order.note == nil)
---  return { json = order }
---end
---```
---@param text string # UTF-8
---@return any value # the value
function json.decode(text) end

---Marks a table as an array, so that it is `[]` when empty.
---
--- * raises if the value is not a table
---
---```lua
---return function()
---  assert(json.encode({ tags = json.array() }) == '{"tags":[]}')
---end
---```
---@param value? table # default: a new table
---@return table value # the same table
function json.array(value) end

---Marks a table as an object, so that it is `{}` also when it looks like an array.
---
--- * raises if the value is not a table
---
---```lua
---return function()
---  assert(json.encode(json.object({ "a" })) == '{"1":"a"}')
---end
---```
---@param value? table # default: a new table
---@return table value # the same table
function json.object(value) end

---The value of a JSON null that stays visible: an element of an array. Write it to make a null member.
---
---
---```lua
---return function()
---  assert(json.encode({ deleted = json.null }) == '{"deleted":null}')
---end
---```
---@type lightuserdata
json.null = nil

---lua-cjson as OpenResty has it: `require "cjson"`, `require "cjson.safe"`. Unlike `json`, a null member is `cjson.null`. Settings hold for the call: `encode_empty_table_as_object`, `encode_sparse_array`, `encode_max_depth`, `decode_max_depth`, `encode_invalid_numbers` (`false`, `"null"`); `encode_number_precision`, `encode_keep_buffer`, `encode_escape_forward_slash`, `decode_invalid_numbers` and `decode_array_with_array_mt` are accepted and change nothing. Values `null`, `empty_array`, `array_mt`, `empty_array_mt`.
---@class moonhook.module.cjson
cjson = {}

---@type any
cjson.safe = nil

---@type any
cjson.new = nil

---@type any
cjson.null = nil

---@type any
cjson.empty_array = nil

---@type any
cjson.array_mt = nil

---@type any
cjson.empty_array_mt = nil

---@type any
cjson.encode_empty_table_as_object = nil

---@type any
cjson.encode_sparse_array = nil

---@type any
cjson.encode_max_depth = nil

---@type any
cjson.decode_max_depth = nil

---@type any
cjson.encode_invalid_numbers = nil

---@type any
cjson.encode_number_precision = nil

---@type any
cjson.encode_keep_buffer = nil

---@type any
cjson.encode_escape_forward_slash = nil

---@type any
cjson.decode_invalid_numbers = nil

---@type any
cjson.decode_array_with_array_mt = nil

---@type any
cjson._NAME = nil

---@type any
cjson._VERSION = nil

---Writes a value as JSON by the settings of `cjson`.
---
--- * raises as `json.encode`; `cjson.safe.encode` answers nil and the message instead
---
---```lua
---local cjson = require "cjson"
---return function()
---  cjson.encode_empty_table_as_object(false)
---  assert(cjson.encode({ list = {}, gone = cjson.null }):find('"list":[]', 1, true))
---end
---```
---@param value any # nil, boolean, number, string or a table of those
---@return string text # the JSON text
function cjson.encode(value) end

---Reads a JSON text; null is `cjson.null` everywhere.
---
--- * raises as `json.decode`; `cjson.safe.decode` answers nil and the message instead
---
---```lua
---local cjson = require "cjson.safe"
---return function()
---  assert(cjson.decode('{"a":null}').a == cjson.null)
---  local value, message = cjson.decode("{oops")
---  assert(value == nil and message:find("line 1, column 2", 1, true))
---end
---```
---@param text string # UTF-8
---@return any value # the value
function cjson.decode(text) end

---Base64 (RFC 4648 §4) and its URL-safe form without padding (§5).
---@class moonhook.module.base64
base64 = {}

---Encodes bytes as base64.
---
--- * raises if the input is over the cap
---
---```lua
---return function()
---  assert(base64.encode("hello") == "aGVsbG8=")
---end
---```
---@param bytes string # any bytes
---@return string text # the encoded text
function base64.encode(bytes) end

---Decodes base64; foreign characters, wrong padding and leftover bits are errors.
---
--- * answers `nil, err` for malformed text
--- * raises if the input is over the cap
---
---```lua
---return function()
---  local bytes, err = base64.decode("not valid!")
---  assert(bytes == nil and tostring(err):find("base64"))
---  assert(base64.decode(base64.encode("a\0b")) == "a\0b")
---end
---```
---@param text string # the encoded text
---@return string? bytes # the decoded bytes
---@return moonhook.Error? err # where the text is malformed
function base64.decode(text) end

---Encodes bytes as URL-safe base64.
---
--- * raises if the input is over the cap
---
---```lua
---return function()
---  assert(base64.encode_url("\xfb\xff") == "-_8")
---end
---```
---@param bytes string # any bytes
---@return string text # the encoded text
function base64.encode_url(bytes) end

---Decodes URL-safe base64; foreign characters, wrong padding and leftover bits are errors.
---
--- * answers `nil, err` for malformed text
--- * raises if the input is over the cap
---
---```lua
---return function()
---  local bytes, err = base64.decode_url("not valid!")
---  assert(bytes == nil and tostring(err):find("base64"))
---  assert(base64.decode_url(base64.encode_url("a\0b")) == "a\0b")
---end
---```
---@param text string # the encoded text
---@return string? bytes # the decoded bytes
---@return moonhook.Error? err # where the text is malformed
function base64.decode_url(text) end

---Hexadecimal text.
---@class moonhook.module.hex
hex = {}

---Encodes bytes as lower-case hexadecimal digits.
---
--- * raises if the input is over the cap
---
---```lua
---return function()
---  assert(hex.encode("\0\xff") == "00ff")
---end
---```
---@param bytes string # any bytes
---@return string text # the encoded text
function hex.encode(bytes) end

---Decodes hexadecimal digits of either case.
---
--- * answers `nil, err` for an odd number of digits or another character
--- * raises if the input is over the cap
---
---```lua
---return function()
---  assert(hex.decode("00FF") == "\0\xff")
---  assert(hex.decode("0x") == nil)
---end
---```
---@param text string # the encoded text
---@return string? bytes # the decoded bytes
---@return moonhook.Error? err # where the text is malformed
function hex.decode(text) end

---URLs by the WHATWG standard, query strings, percent-encoding.
---@class moonhook.module.url
url = {}

---Takes an absolute URL apart.
---
--- * answers `nil, err` if the text is not an absolute URL
---
---```lua
---return function()
---  local u = assert(url.parse("https://Example.com:8443/a%20b?x=1#top"))
---  assert(u.host == "example.com" and u.port == 8443 and u.path == "/a%20b" and u.query == "x=1")
---end
---```
---@param text string # an absolute URL
---@return moonhook.Url? parts # `scheme host port path query fragment user password href`; absent parts are nil, `query` and `fragment` come without their sign
---@return moonhook.Error? err # why it is no URL
function url.parse(text) end

---Puts a URL together from the parts that `url.parse` gives; `query` may be a table.
---
--- * raises if a part is missing or cannot be part of a URL
---
---```lua
---return function()
---  assert(url.build({ host = "example.com", path = "/search", query = { q = "a b" } }) == "https://example.com/search?q=a+b")
---end
---```
---@param parts moonhook.Url # `scheme` (default https), `host`, and any of `port path query fragment`
---@return string text # the URL
function url.build(parts) end

---Percent-encodes a text for use as one path segment or query value.
---
--- * raises if the text is not UTF-8 or over the cap
---
---```lua
---return function()
---  assert(url.encode("a b/c") == "a%20b%2Fc")
---end
---```
---@param text string # UTF-8
---@return string encoded # all but `A-Z a-z 0-9 - _ . ! ~ * ' ( )` as %XX
function url.encode(text) end

---Decodes percent-encoding; `+` stays as it is.
---
--- * answers `nil, err` for a broken escape or bytes that are not UTF-8
---
---```lua
---return function()
---  assert(url.decode("a%20b") == "a b")
---  assert(url.decode("%zz") == nil)
---end
---```
---@param text string # percent-encoded UTF-8
---@return string? decoded # the text
---@return moonhook.Error? err # where the text is malformed
function url.decode(text) end

---Writes a table as a query string or form body, names sorted; a list as value repeats the name.
---
--- * raises for values that are not strings, numbers, booleans or lists of those
---
---```lua
---return function()
---  assert(url.encode_query({ q = "a b", tag = { "x", "y" } }) == "q=a+b&tag=x&tag=y")
---end
---```
---@param values table<string, string|number|boolean|table> # names and values
---@return string text # `a=1&b=2`
function url.encode_query(values) end

---Reads a query string or form body; of equal names the first value counts.
---
--- * raises if the text is over the cap or has more than 1000 parameters
---
---```lua
---return function()
---  local values, all = url.decode_query("a=1&b=x+y&a=2")
---  assert(values.a == "1" and values.b == "x y" and all.a[2] == "2")
---end
---```
---@param text string # without the question mark
---@return table<string, string> values # name → first value
---@return table<string, string[]> all # name → all values in order
function url.decode_query(text) end

---Hashes, message authentication, random bytes, signatures. Bytes by default, text with an encoding as last argument.
---@class moonhook.module.crypto
crypto = {}

---SHA-256 of bytes.
---
--- * raises if the input is over the cap or the encoding unknown
---
---```lua
---return function()
---  assert(crypto.sha256("abc", "hex") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
---end
---```
---@param bytes string # any bytes
---@param encoding? "hex"|"base64"|"base64url" # text instead of bytes
---@return string digest # bytes, or text in the encoding asked for
function crypto.sha256(bytes, encoding) end

---SHA-512 of bytes.
---
--- * raises if the input is over the cap or the encoding unknown
---
---```lua
---return function()
---  assert(#crypto.sha512("abc") == 64)
---end
---```
---@param bytes string # any bytes
---@param encoding? "hex"|"base64"|"base64url" # text instead of bytes
---@return string digest # bytes, or text in the encoding asked for
function crypto.sha512(bytes, encoding) end

---SHA-1 (broken against collisions: only where a protocol asks for it) of bytes.
---
--- * raises if the input is over the cap or the encoding unknown
---
---```lua
---return function()
---  assert(crypto.sha1("abc", "hex") == "a9993e364706816aba3e25717850c26c9cd0d89d")
---end
---```
---@param bytes string # any bytes
---@param encoding? "hex"|"base64"|"base64url" # text instead of bytes
---@return string digest # bytes, or text in the encoding asked for
function crypto.sha1(bytes, encoding) end

---MD5 (broken: only where a protocol asks for it) of bytes.
---
--- * raises if the input is over the cap or the encoding unknown
---
---```lua
---return function()
---  assert(crypto.md5("abc", "hex") == "900150983cd24fb0d6963f7d28e17f72")
---end
---```
---@param bytes string # any bytes
---@param encoding? "hex"|"base64"|"base64url" # text instead of bytes
---@return string digest # bytes, or text in the encoding asked for
function crypto.md5(bytes, encoding) end

---HMAC (RFC 2104) of bytes with a key.
---
--- * raises for an unknown hash or encoding, or input over the cap
---
---```lua
---return function(event)
---  local mac = crypto.hmac("sha256", "key", "The quick brown fox jumps over the lazy dog", "hex")
---  assert(mac == "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8")
---end
---```
---@param algorithm "sha256"|"sha512"|"sha384"|"sha1"|"md5" # the hash
---@param key string # the key as bytes
---@param bytes string # what is authenticated
---@param encoding? "hex"|"base64"|"base64url" # text instead of bytes
---@return string digest # bytes, or text in the encoding asked for
function crypto.hmac(algorithm, key, bytes, encoding) end

---Whether two strings are equal, in a time that tells nothing about them. Use it for signatures and tokens.
---
--- * raises if an argument is not a string
---
---```lua
---return function()
---  assert(crypto.equal("token", "token") and not crypto.equal("token", "tokem"))
---end
---```
---@param a string # any bytes
---@param b string # any bytes
---@return boolean equal # true if all bytes are the same
function crypto.equal(a, b) end

---Random bytes from the operating system.
---
--- * raises if the count is out of range; not available while a module loads
---
---```lua
---return function()
---  assert(#crypto.random(16) == 16 and #crypto.random(16, "hex") == 32)
---end
---```
---@param count integer # 1 to 4096
---@param encoding? "hex"|"base64"|"base64url" # text instead of bytes
---@return string bytes # bytes, or text in the encoding asked for
function crypto.random(count, encoding) end

---Whether an Ed25519 signature (RFC 8032) of a message is right.
---
--- * raises if the key is not an Ed25519 public key
---
---```lua
---return function()
---  -- RFC 8032 §7.1, test 1
---  local key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
---  local signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
---  assert(crypto.ed25519_verify(key, "", signature))
---  assert(not crypto.ed25519_verify(key, "x", signature))
---end
---```
---@param public_key string # 32 bytes, 64 hexadecimal digits, or PEM
---@param message string # the signed bytes
---@param signature string # 64 bytes or 128 hexadecimal digits
---@return boolean valid # false also for a signature of the wrong length
function crypto.ed25519_verify(public_key, message, signature) end

---Signs claims as a JSON Web Token. `iat` is set if absent.
---
--- * raises for claims without JSON form, an unusable key or an algorithm that does not fit it
--- * waits: not available in filters and while a module loads
---
---```lua
---return function()
---  local secret = "0123456789abcdef0123456789abcdef"
---  local token = assert(crypto.jwt_sign({ sub = "42" }, secret, { expires_in = 60 }))
---  local claims = assert(crypto.jwt_verify(token, secret))
---  assert(claims.sub == "42" and claims.exp - claims.iat == 60)
---end
---```
---@param claims table # the payload; times are seconds
---@param key string # a secret of at least 16 bytes, or a private key in PEM (PKCS #8 or SEC 1)
---@param options? {alg?: string, kid?: string, expires_in?: number} # `alg` (default HS256 for a secret, else by the key), `kid`, `expires_in` in seconds
---@return string? token # compact form
---@return moonhook.Error? err # why it cannot be signed
function crypto.jwt_sign(claims, key, options) end

---Verifies a JSON Web Token: signature, `exp`, `nbf`, and issuer and audience where given.
---
--- * answers `nil, err` for every token that is not valid
--- * raises for an unusable key or an algorithm that does not fit it
--- * waits: not available in filters and while a module loads
---
---```lua
---return function()
---  local claims, err = crypto.jwt_verify("eyJhbGciOiJub25lIn0.e30.", "0123456789abcdef0123456789abcdef")
---  assert(claims == nil and err.message)
---end
---```
---@param token string # compact form, without `Bearer`
---@param key string # a secret of at least 16 bytes, or a public key or certificate in PEM
---@param options? {algorithms?: string[], issuer?: string, audience?: string, leeway?: number} # `algorithms` (default HS256 for a secret, else those of the key), `issuer`, `audience`, `leeway` in seconds (default 0, at most 300)
---@return table? claims # the payload
---@return moonhook.Error? err # why the token is refused
function crypto.jwt_verify(token, key, options) end

---Universally unique identifiers (RFC 9562).
---@class moonhook.module.uuid
uuid = {}

---A random identifier.
---
--- * not available while a module loads
---
---```lua
---return function()
---  assert(uuid.v4():match("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$"))
---end
---```
---@return string uuid # 36 characters in lower case
function uuid.v4() end

---An identifier that sorts by time.
---
--- * not available while a module loads
---
---```lua
---return function()
---  assert(uuid.v7():sub(15, 15) == "7" and uuid.v7() ~= uuid.v7())
---end
---```
---@return string uuid # 36 characters in lower case
function uuid.v7() end

---The wall clock and written forms of a moment. Moments are seconds since 1970 in UTC, with fractions.
---@class moonhook.module.time
time = {}

---The present moment with milliseconds.
---
--- * not available while a module loads
---
---```lua
---return function()
---  assert(time.now() > 1.7e9)
---end
---```
---@return number seconds # seconds since 1970-01-01T00:00:00Z
function time.now() end

---A moment as ISO 8601 / RFC 3339 in UTC, with milliseconds where it has any.
---
--- * raises for years outside 1 to 9999
---
---```lua
---return function()
---  assert(time.iso(0) == "1970-01-01T00:00:00Z")
---  assert(time.iso(1.5) == "1970-01-01T00:00:01.500Z")
---end
---```
---@param seconds number # the moment; `time.iso(time.now())` for the present
---@return string text # `2026-01-31T12:00:00Z`
function time.iso(seconds) end

---A moment as HTTP headers write it (RFC 9110 §5.6.7).
---
--- * raises for years outside 1 to 9999
---
---```lua
---return function()
---  assert(time.http(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
---end
---```
---@param seconds number # seconds since 1970-01-01T00:00:00Z
---@return string text # `Thu, 01 Jan 1970 00:00:00 GMT`
function time.http(seconds) end

---Reads ISO 8601 / RFC 3339 (UTC where no zone is given) or an HTTP date.
---
--- * answers `nil, err` if the text is none of those or no day of the calendar
---
---```lua
---return function()
---  assert(time.parse("1970-01-01T01:00:00+01:00") == 0)
---  assert(time.parse("2026-02-30") == nil)
---end
---```
---@param text string # `2026-01-31T12:00:00+01:00`, `2026-01-31`, `Thu, 01 Jan 1970 00:00:00 GMT`
---@return number? seconds # seconds since 1970-01-01T00:00:00Z
---@return moonhook.Error? err # why it is no moment
function time.parse(text) end

---Regular expressions in RE2 syntax: linear time, no backreferences, no lookaround. Positions are bytes, as in `string.find`.
---@class moonhook.module.re
re = {}

---Whether the pattern matches anywhere.
---
--- * raises for a pattern that does not compile or is over a cap, and for a text that is too long for it
---
---```lua
---return function()
---  assert(re.test("release-1.2.3", [[^release-\d+(\.\d+)*$]]))
---end
---```
---@param text string # UTF-8
---@param pattern string # RE2 syntax; write it as `[[\d+]]`
---@param flags? string # `i` any case, `m` ^ and $ at lines, `s` dot matches newlines (`j`, `o`, `u` of OpenResty are accepted)
---@return boolean matches # true or false
function re.test(text, pattern, flags) end

---Where the first match begins and ends.
---
--- * raises for a pattern that does not compile or is over a cap, and for a text that is too long for it
---
---```lua
---return function()
---  local from, to = re.find("id=42;", [[\d+]])
---  assert(from == 4 and to == 5)
---end
---```
---@param text string # UTF-8
---@param pattern string # RE2 syntax; write it as `[[\d+]]`
---@param flags? string # `i` any case, `m` ^ and $ at lines, `s` dot matches newlines (`j`, `o`, `u` of OpenResty are accepted)
---@param init? integer # byte to start at, default 1
---@return integer? from # first byte; nil: no match
---@return integer? to # last byte
function re.find(text, pattern, flags, init) end

---The first match with its groups.
---
--- * raises for a pattern that does not compile or is over a cap, and for a text that is too long for it
---
---```lua
---return function()
---  local m = re.match("v1.20", [[v(?P<major>\d+)\.(\d+)]])
---  assert(m[0] == "v1.20" and m.major == "1" and m[2] == "20")
---end
---```
---@param text string # UTF-8
---@param pattern string # RE2 syntax; write it as `[[\d+]]`
---@param flags? string # `i` any case, `m` ^ and $ at lines, `s` dot matches newlines (`j`, `o`, `u` of OpenResty are accepted)
---@param init? integer # byte to start at, default 1
---@return table<integer|string, string>? match # `[0]` the whole, `[1]`… the groups, named groups by name; nil: no match
function re.match(text, pattern, flags, init) end

---An iterator over all matches.
---
--- * raises for a pattern that does not compile or is over a cap, and for a text that is too long for it
---
---```lua
---return function()
---  local sum = 0
---  for m in re.gmatch("1, 22, 333", [[\d+]]) do sum = sum + tonumber(m[0]) end
---  assert(sum == 356)
---end
---```
---@param text string # UTF-8
---@param pattern string # RE2 syntax; write it as `[[\d+]]`
---@param flags? string # `i` any case, `m` ^ and $ at lines, `s` dot matches newlines (`j`, `o`, `u` of OpenResty are accepted)
---@return fun(): table<integer|string, string>? iterator # gives one match after the other
function re.gmatch(text, pattern, flags) end

---Replaces all matches.
---
--- * raises for a pattern that does not compile or is over a cap, and for a text that is too long for it
---
---```lua
---return function()
---  local text, n = re.gsub("a1b22", [[(\d+)]], "<$1>")
---  assert(text == "a<1>b<22>" and n == 2)
---end
---```
---@param text string # UTF-8
---@param pattern string # RE2 syntax; write it as `[[\d+]]`
---@param replacement? string|fun(match: table): string # text with `$1`, `${name}`, `$0`, `$$`; or a function of the match (nil keeps it)
---@param flags? string # `i` any case, `m` ^ and $ at lines, `s` dot matches newlines (`j`, `o`, `u` of OpenResty are accepted)
---@return string text # the new text
---@return integer count # replacements made
function re.gsub(text, pattern, replacement, flags) end

---Replaces the first match.
---
--- * raises for a pattern that does not compile or is over a cap, and for a text that is too long for it
---
---```lua
---return function()
---  assert(re.sub("a-b-c", "-", "+") == "a+b-c")
---end
---```
---@param text string # UTF-8
---@param pattern string # RE2 syntax; write it as `[[\d+]]`
---@param replacement? string|fun(match: table): string # as in `re.gsub`
---@param flags? string # `i` any case, `m` ^ and $ at lines, `s` dot matches newlines (`j`, `o`, `u` of OpenResty are accepted)
---@return string text # the new text
---@return integer count # 0 or 1
function re.sub(text, pattern, replacement, flags) end

---The pieces of a text between matches.
---
--- * raises for a pattern that does not compile or is over a cap, and for a text that is too long for it
---
---```lua
---return function()
---  local pieces = re.split("a, b;c", [[[,;]\s*]])
---  assert(#pieces == 3 and pieces[2] == "b")
---end
---```
---@param text string # UTF-8
---@param pattern string # RE2 syntax; write it as `[[\d+]]`
---@param flags? string # `i` any case, `m` ^ and $ at lines, `s` dot matches newlines (`j`, `o`, `u` of OpenResty are accepted)
---@param max? integer # pieces at most; the last holds the rest
---@return string[] pieces # at least one
function re.split(text, pattern, flags, max) end

---A pattern that matches a text literally.
---
--- * raises if the text is over the cap
---
---```lua
---return function()
---  assert(re.test("1+1", re.escape("1+1")))
---end
---```
---@param text string # UTF-8
---@return string pattern # the escaped text
function re.escape(text) end

---Reads XML. Document types, entities of their own and processing instructions are not processed.
---@class moonhook.module.xml
xml = {}

---Reads a document into tables, one for each element.
---
--- * answers `nil, err` if the text is not well-formed, has a document type, or elements named `__proto__`, `constructor` or `prototype`
--- * raises if the text is over the cap
---
---```lua
---return function()
---  local order = assert(xml.decode('<order id="7"><item>lamp &amp; bulb</item></order>'))
---  assert(order.name == "order" and order.attributes.id == "7")
---  assert(order.children[1].text == "lamp & bulb")
---end
---```
---@param text string # UTF-8
---@return moonhook.XmlElement? root # `name` (with prefix), `attributes` (name → value), `children` (elements and texts in order), `text` (its own text)
---@return moonhook.Error? err # what is wrong, with the line
function xml.decode(text) end

---The call's log. `print` writes at level info.
---@class moonhook.module.log
log = {}

---Writes a line at level debug: details for finding mistakes.
---
--- * raises if the fields hold functions or cycles
---
---```lua
---return function(event)
---  log.debug("order received", { id = 42 })
---end
---```
---@param message any # text; a table is written as JSON
---@param fields? table # plain values kept beside the message
function log.debug(message, fields) end

---Writes a line at level info: what happened.
---
--- * raises if the fields hold functions or cycles
---
---```lua
---return function(event)
---  log.info("order received", { id = 42 })
---end
---```
---@param message any # text; a table is written as JSON
---@param fields? table # plain values kept beside the message
function log.info(message, fields) end

---Writes a line at level warn: something odd that was dealt with.
---
--- * raises if the fields hold functions or cycles
---
---```lua
---return function(event)
---  log.warn("order received", { id = 42 })
---end
---```
---@param message any # text; a table is written as JSON
---@param fields? table # plain values kept beside the message
function log.warn(message, fields) end

---Writes a line at level error: something that failed.
---
--- * raises if the fields hold functions or cycles
---
---```lua
---return function(event)
---  log.error("order received", { id = 42 })
---end
---```
---@param message any # text; a table is written as JSON
---@param fields? table # plain values kept beside the message
function log.error(message, fields) end
