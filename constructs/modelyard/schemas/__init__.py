"""The API of Kubernetes as data: the kinds of each minor, and the check of manifests."""

from modelyard.schemas.bundle import SUPPORTED
from modelyard.schemas.catalog import Catalog, catalog
from modelyard.schemas.crds import CrdSchema, crd_schemas
from modelyard.schemas.export import export
from modelyard.schemas.installed import bundled, constant, definitions, projects, read_definitions
from modelyard.schemas.model import KindInfo, SchemaError
from modelyard.schemas.pointers import POSITION

__all__ = [
    "POSITION",
    "SUPPORTED",
    "Catalog",
    "CrdSchema",
    "KindInfo",
    "SchemaError",
    "bundled",
    "catalog",
    "constant",
    "crd_schemas",
    "definitions",
    "export",
    "projects",
    "read_definitions",
]
