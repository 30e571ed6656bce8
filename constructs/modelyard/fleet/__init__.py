"""The nouns around the workloads: Fleet, Environment, Cluster and what a cluster has."""

from modelyard import _jsii as _jsii
from modelyard.fleet.cluster import GATES, Cluster, Crd, StorageClass
from modelyard.fleet.delivery import Cargo, Delivery, Owned, Ownership
from modelyard.fleet.draft import Draft, Manifest
from modelyard.fleet.environment import Environment
from modelyard.fleet.facilities import Cloud, Gateway, IngressClass, Monitoring, SecretStore
from modelyard.fleet.fleet import Builder, Fleet
from modelyard.fleet.hardware import Accelerator, Fabric, SpotNodes, Toleration
from modelyard.fleet.hardware_checks import misdeclared_hardware
from modelyard.fleet.site import Site
from modelyard.fleet.workload import Workload, declared

__all__ = [
    "GATES",
    "Accelerator",
    "Builder",
    "Cargo",
    "Cloud",
    "Cluster",
    "Crd",
    "Delivery",
    "Draft",
    "Environment",
    "Fabric",
    "Fleet",
    "Gateway",
    "IngressClass",
    "Manifest",
    "Monitoring",
    "Owned",
    "Ownership",
    "SecretStore",
    "Site",
    "SpotNodes",
    "StorageClass",
    "Toleration",
    "Workload",
    "declared",
    "misdeclared_hardware",
]
