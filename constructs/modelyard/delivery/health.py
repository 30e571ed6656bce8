"""Where Argo CD's own idea of an object's health is wrong: what ``argocd-cm`` says instead."""

from __future__ import annotations

from typing import Any

OF_JOBS = """\
local health = {status = "Progressing", message = "it has not ended"}
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.status == "True" then
    if condition.type == "Failed" then
      return {status = "Degraded", message = condition.message}
    elseif condition.type == "Complete" then
      return {status = "Healthy", message = condition.message}
    elseif condition.type == "Suspended" then
      health = {status = "Suspended", message = condition.message}
    end
  end
end
return health
"""
"""Its own passes over the status of a condition: one that was suspended, and runs again, has ended for it."""

CUSTOMIZATIONS: dict[str, Any] = {"data": {"resource.customizations.health.batch_Job": OF_JOBS}}
"""A patch and no object: whoever applied an object would take away what else stands in there."""
