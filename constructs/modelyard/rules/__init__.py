"""The rules: stable ids, what they say and why, and the checks over manifests that find breaches."""

from modelyard.rules import a, a_metrics, d, d_budgets, d_config, d_services, j, j_failure, j_indexed, p_images, p_probes, p_security, x  # noqa: F401 # importing a family registers its rules
from modelyard.rules.check import breaches, finding, settle
from modelyard.rules.rule import RULES, Rule
from modelyard.rules.subjects import Container, Job, Object, Pod, Scope

__all__ = ["RULES", "Container", "Job", "Object", "Pod", "Rule", "Scope", "breaches", "finding", "settle"]
