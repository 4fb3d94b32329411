-- What a link is signed with. The secret never leaves this module.
local signature = {}

function signature.make(file, expires)
  return crypto.hmac("sha256", env.LINK_KEY, file .. "\n" .. expires, "hex")
end

function signature.matches(file, expires, proof)
  -- Takes the same time wherever the difference is.
  return crypto.equal(signature.make(file, expires), proof)
end

return signature
