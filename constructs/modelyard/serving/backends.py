"""What runs the pods of a service in place of a Deployment, and what its objects are called then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from modelyard.pod import selector
from modelyard.values.value import value

if TYPE_CHECKING:
    from modelyard.serving.spec import ServiceSpec

PREDICTOR = "predictor"
OF_SERVICE, OF_COMPONENT = "serving.kserve.io/inferenceservice", "component"
"""Labels that KServe puts on the pods of a service."""


@value
class KServe:
    """
    An InferenceService in KServe's mode Standard, for clusters whose tools look at InferenceServices.

    KServe makes of it a Deployment and a Service, ``<id>-predictor`` both, and for `CpuScale` the autoscaler. The pods
    are those that a service has without it, and the model is loaded as without it.

    See Also:
        https://kserve.github.io/website/docs/admin-guide/overview
    """


def runs_as(name: str, spec: ServiceSpec) -> str:
    """Return what Deployment and Service of the service *name* are called."""
    return name if spec.backend is None else f"{name}-{PREDICTOR}"


def container(spec: ServiceSpec) -> str:
    """Return what the container that serves is called; KServe looks for its own by this name."""
    return "model" if spec.backend is None else "kserve-container"


def chosen(name: str, spec: ServiceSpec) -> Mapping[str, str]:
    """Return the labels that select the pods of the service *name*, which never change."""
    return selector(name) if spec.backend is None else {OF_SERVICE: name, OF_COMPONENT: PREDICTOR}
