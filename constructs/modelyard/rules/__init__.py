"""The rules: stable ids, what they say and why, and the checks over manifests that find breaches."""

from modelyard.rules import (  # noqa: F401 # importing a family registers its rules
    a,
    a_metrics,
    a_sources,
    c,
    d,
    d_addresses,
    d_budgets,
    d_config,
    d_policies,
    d_selectors,
    d_services,
    g,
    g_changes,
    g_controllers,
    g_words,
    j,
    j_failure,
    j_indexed,
    n,
    n_labels,
    n_nodes,
    n_pods,
    n_references,
    p_commands,
    p_context,
    p_images,
    p_lifecycle,
    p_namespaces,
    p_placement,
    p_probes,
    p_security,
    p_users,
    r,
    r_memory,
    r_nodes,
    v,
    v_claims,
    v_secrets,
    v_sources,
    x,
)
from modelyard.rules.check import accepts, breaches, finding, settle
from modelyard.rules.g_changes import changes
from modelyard.rules.rule import RULES, Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Job, Object, Pod

__all__ = [
    "RULES",
    "Container",
    "Job",
    "Object",
    "Pod",
    "Rule",
    "Scope",
    "accepts",
    "breaches",
    "changes",
    "finding",
    "settle",
]
