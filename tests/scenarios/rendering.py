"""Renders the scenarios; ``python -m tests.scenarios.rendering`` writes the YAML that is committed beside each."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType

from modelyard import Environment, Finding, Fleet
from modelyard.render.objects import gather
from tests.scenarios import churn_nightly, fsdp_32g, pretrain_128g, sft_70b_node, sft_gang, support_lora, tune_tpu

HERE = Path(__file__).resolve().parent
SCENARIOS: dict[str, ModuleType] = {
    "1-support-lora": support_lora,
    "2-sft-70b-node": sft_70b_node,
    "3-fsdp-32g": fsdp_32g,
    "4-pretrain-128g": pretrain_128g,
    "5-tune-tpu": tune_tpu,
    "6-churn-nightly": churn_nightly,
    "13-sft-gang": sft_gang,
}
NAMESPACE = "ml-scenarios"


def rendered(name: str) -> tuple[dict[str, str], list[Finding]]:
    """Return the files of the scenario *name* by their place beside it, and what is found in it."""
    scenario = SCENARIOS[name]
    env = Environment(Fleet(root=HERE), "prod", cluster=scenario.CLUSTER, namespace=NAMESPACE, strict=True)
    scenario.build(env)
    gathered = gather(env)
    return {one.path.partition("/")[2]: one.text for one in gathered.objects}, gathered.findings


def committed(name: str) -> dict[str, str]:
    """Return the files that are committed."""
    folder = HERE / name
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in sorted(folder.rglob("*.yaml"))}


def write(name: str) -> None:
    """Commit what the scenario *name* renders."""
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in rendered(name)[0].items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    for each in SCENARIOS:
        write(each)
    sys.stdout.write(f"{len(SCENARIOS)} scenarios written\n")
