"""What is wrong with a cluster's accelerators, seen together with the rest of the cluster."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach
from modelyard.fleet.cluster import Cluster
from modelyard.fleet.hardware import TPU, TPU_TOPOLOGY, Accelerator, chips
from modelyard.values.names import env_name
from modelyard.values.value import source_of
from modelyard.values.versions import minor

DYNAMIC_ALLOCATION = 34
"""The minor since which ``resource.k8s.io/v1`` is served and on."""


def misdeclared_hardware(cluster: Cluster) -> Iterator[Breach]:
    """Yield what is wrong with the accelerators that *cluster* declares."""
    seen: set[str] = set()
    for index, one in enumerate(cluster.accelerators):
        at, source = f"cluster.accelerators[{index}]", source_of(one)
        if one.name in seen:
            because = "another class of this cluster is called so, and workloads ask by the name"
            yield Breach("X11", f"{at}.name", one.name, because, "give each class a name of its own", source)
        seen.add(one.name)
        yield from _slice(at, one)
        yield from _allocated(at, one, cluster)
        for name in one.fabric.env if one.fabric else ():
            if broken := env_name(name):
                yield Breach(
                    "N21", f"{at}.fabric.env[{name!r}]", None, broken, "rename the variable", source_of(one.fabric)
                )


def _slice(at: str, one: Accelerator) -> Iterator[Breach]:
    source = source_of(one)
    if one.topology is None:
        return
    if one.resource != TPU:
        because = f"only {TPU} comes in slices, and this is {one.resource}"
        yield Breach("R27", f"{at}.topology", one.topology, because, "leave topology= away", source)
    elif chips(one.topology) % one.per_node:
        because = f"that are {chips(one.topology)} chips, and hosts of {one.per_node} cannot make them up"
        yield Breach("R27", f"{at}.topology", one.topology, because, "correct the topology or per_node=", source)
    elif one.nodes % one.hosts:
        because = f"a slice {one.topology} has {one.hosts} nodes, and only whole slices are there"
        yield Breach("R27", f"{at}.nodes", one.nodes, because, f"write a multiple of {one.hosts}", source)
    if one.node_selector.get(TPU_TOPOLOGY, one.topology) != one.topology:
        because = f"topology={one.topology!r} sets this label"
        field = f"{at}.node_selector[{TPU_TOPOLOGY!r}]"
        yield Breach("R27", field, one.node_selector[TPU_TOPOLOGY], because, "leave the label away", source)


def _allocated(at: str, one: Accelerator, cluster: Cluster) -> Iterator[Breach]:
    source = source_of(one)
    if one.device_class is None:
        if one.device_selectors:
            because = "they choose among the devices of a DeviceClass, and none is named"
            yield Breach("X11", f"{at}.device_selectors", None, because, "add device_class=", source)
    elif minor(cluster.kubernetes) < DYNAMIC_ALLOCATION:
        because = f"resource.k8s.io/v1 is served since Kubernetes 1.34, and {cluster.name} is {cluster.kubernetes}"
        do = "use the device plugin: leave device_class= away"
        yield Breach("X04", f"{at}.device_class", one.device_class, because, do, source)
