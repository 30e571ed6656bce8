"""P: how model servers are started."""

from __future__ import annotations

from modelyard.rules.rule import Rule

P12 = Rule(
    "P12",
    "A model server is given each option once, only those that its version knows, and none that no probe gets by.",
    why=(
        "A server that does not know a flag ends at once, and the pod starts again without end. Of a flag that is "
        "given twice one value is dropped, and the ports, probes and grace periods of the other are rendered. A server "
        "that is told to speak HTTPS, or no HTTP, answers no probe and no gateway."
    ),
    fix="use the options of the runtime, and an image whose version knows them",
    see="https://docs.vllm.ai/en/stable/cli/serve/",
)
