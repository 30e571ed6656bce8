"""P33: what a container runs."""

from __future__ import annotations

from pathlib import Path

from tests.support import environment, found_by, training


def test_p33_a_command_in_one_word(tmp_path: Path) -> None:
    """Nobody splits it, so no such program is found."""
    scope = environment(tmp_path)
    training(scope, command=["python", "train.py --epochs 3"])
    assert found_by(scope, "P33") == []
    scope = environment(tmp_path)
    train = training(scope, command=["python train.py"])
    (text,) = found_by(scope, "P33")
    assert text.partition(" spec.")[2] == (
        "template.spec.containers[0].command='python train.py' but it is one word, and the program would be called so,"
        " not python; write each word by itself, or accept P33 where the program's name has spaces"
    )
    train.accepted = {"P33": "our image has a program of this name"}
    assert found_by(scope, "P33") == []
