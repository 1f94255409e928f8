-- The health of an object of webhooks.reconciler, from its conditions as kstatus reads them.
local function find(kind)
  local status = obj.status or {}
  for _, condition in ipairs(status.conditions or {}) do
    if condition.type == kind then
      return condition
    end
  end
  return nil
end

local function is_true(condition)
  return condition ~= nil and condition.status == "True"
end

local health = { status = "Progressing", message = "Waiting for the operator" }
local metadata = obj.metadata or {}
local status = obj.status or {}
local ready, stalled, reconciling = find("Ready"), find("Stalled"), find("Reconciling")

if metadata.deletionTimestamp ~= nil then
  health.message = "Being deleted"
  if is_true(stalled) then
    health.status = "Degraded"
    health.message = stalled.message or "Deletion is refused"
  end
elseif obj.spec ~= nil and obj.spec.suspend == true then
  health.status = "Suspended"
  health.message = "spec.suspend is true"
elseif status.observedGeneration ~= nil and status.observedGeneration ~= metadata.generation then
  health.message = "The operator has not seen this generation"
elseif is_true(stalled) then
  health.status = "Degraded"
  health.message = stalled.message or stalled.reason
elseif is_true(reconciling) then
  health.message = reconciling.message or reconciling.reason
elseif ready ~= nil then
  health.message = ready.message or ready.reason
  if ready.status == "True" then
    health.status = "Healthy"
  elseif ready.status == "False" then
    health.status = "Degraded"
  end
end
return health
