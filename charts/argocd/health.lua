-- Health of WebhookFunction and WebhookSubscription for Argo CD: paste under
-- resource.customizations.health.moonhook.dev_WebhookFunction (and …_WebhookSubscription) in the ConfigMap argocd-cm.
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function of_this_generation(condition)
  return condition and (condition.observedGeneration or 0) >= (obj.metadata.generation or 0)
end

local function text(condition)
  return (condition.reason or "") .. ": " .. (condition.message or "")
end

local suspended = obj.spec and obj.spec.suspend
local ready, stalled = conditions.Ready, conditions.Stalled

if of_this_generation(stalled) and stalled.status == "True" then
  return { status = "Degraded", message = text(stalled) }
end
if not of_this_generation(ready) or ready.status == "Unknown" then
  return { status = "Progressing", message = "Waiting for the controller and the runtimes" }
end
if suspended then
  return { status = "Suspended", message = "Suspended: events wait" }
end
if ready.status == "True" then
  return { status = "Healthy", message = text(ready) }
end
return { status = "Degraded", message = text(ready) }
