-- Hands out links that open one file until a set time.
local signature = require("signature")

local function new(event)
  local file = event.request.query.file
  if not file then return { status = 400, json = { error = "say which file" } } end
  local expires = math.floor(time.now()) + tonumber(env.LIFETIME)
  local proof = signature.make(file, expires)
  return { link = ("/links/open?file=%s&expires=%d&proof=%s"):format(url.encode(file), expires, proof) }
end

local function open(event)
  local query = event.request.query
  local expires = tonumber(query.expires)
  if not (query.file and expires and query.proof) then return { status = 400 } end
  if not signature.matches(query.file, expires, query.proof) then return { status = 403, json = { error = "the link was changed" } } end
  if expires < time.now() then return { status = 410, json = { error = "the link has expired" } } end
  return { file = query.file }
end

return { new = new, open = open }
