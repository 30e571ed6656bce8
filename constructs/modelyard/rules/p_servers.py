"""P: how model servers are started."""

from __future__ import annotations

from modelyard.rules.rule import Rule

P12 = Rule(
    "P12",
    "A model server is given each option once, and only those that its version knows.",
    why=(
        "A server that does not know a flag ends at once, and the pod starts again without end. Of a flag that is "
        "given twice one value is dropped, and the ports, probes and grace periods of the other are rendered."
    ),
    fix="use the options of the runtime, and an image whose version knows them",
    see="https://docs.vllm.ai/en/stable/cli/serve/",
)
