"""The nouns around the workloads: Fleet, Environment, Cluster and what a cluster has."""

from modelyard import _jsii as _jsii
from modelyard.fleet.cluster import Accelerator, Cluster, Crd, StorageClass, Toleration
from modelyard.fleet.delivery import Cargo, Delivery, Owned, Ownership
from modelyard.fleet.draft import Draft, Manifest
from modelyard.fleet.environment import Environment
from modelyard.fleet.facilities import Cloud, Monitoring, SecretStore
from modelyard.fleet.fleet import Builder, Fleet
from modelyard.fleet.site import Site
from modelyard.fleet.workload import Workload, declared

__all__ = [
    "Accelerator",
    "Builder",
    "Cargo",
    "Cloud",
    "Cluster",
    "Crd",
    "Delivery",
    "Draft",
    "Environment",
    "Fleet",
    "Manifest",
    "Monitoring",
    "Owned",
    "Ownership",
    "SecretStore",
    "Site",
    "StorageClass",
    "Toleration",
    "Workload",
    "declared",
]
