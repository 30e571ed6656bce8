"""Lock files that lack something, or are damaged."""

# a message is a line

from __future__ import annotations

from tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "an image that the lock file does not have",
        (("environments/prod.py", 'env.image("tune")', 'env.image("embedder")'),),
        (
            "environments/prod.py:17: error[X13] prod: image='embedder' but environments/prod.lock.yaml has no such image; pin it: modelyard images pin prod embedder <repository>:<tag>@sha256:<digest>",
        ),
    ),
    Mistake(
        "an image that is misspelt",
        (("environments/prod.py", 'env.image("tune")', 'env.image("tunes")'),),
        (
            "environments/prod.py:17: error[X13] prod: image='tunes' but environments/prod.lock.yaml has no such image; did you mean tune?",
        ),
    ),
    Mistake(
        "a quote that is not closed",
        (("environments/prod.lock.yaml", 'tag: "7"', 'tag: "7'),),
        (
            "environments/prod.lock.yaml:10: error[X13] prod: lock file but found unexpected end of stream; mend the file",
        ),
    ),
    Mistake(
        "a colon that is missing",
        (("environments/prod.lock.yaml", "  tune:\n", "  tune\n"),),
        ("environments/prod.lock.yaml:7: error[X13] prod: lock file but could not find expected ':'; mend the file",),
    ),
    Mistake(
        "an image that stands there twice",
        (("environments/prod.lock.yaml", "  tune:\n", "  sentiment:\n"),),
        (
            "environments/prod.lock.yaml:6: error[X13] prod: lock file but 'sentiment' stands here a second time; mend the file",
        ),
    ),
    Mistake(
        "a field that stands there twice",
        (("environments/prod.lock.yaml", '    tag: "7"\n', '    tag: "7"\n    tag: "8"\n'),),
        (
            "environments/prod.lock.yaml:9: error[X13] prod: lock file but 'tag' stands here a second time; mend the file",
        ),
    ),
    Mistake(
        "a digest that is too short",
        (("environments/prod.lock.yaml", "sha256:3333", "sha256:333"),),
        (
            "environments/prod.lock.yaml:7: error[X13] prod: lock file but image 'tune' is 'ghcr.io/acme/tune:7@sha256:3333333333333333333333333333...', but a digest is sha256: and 64 hexadecimal digits in lower case; mend the file",
        ),
    ),
    Mistake(
        "a field that does not exist",
        (("environments/prod.lock.yaml", '    tag: "7"', '    version: "7"'),),
        (
            "environments/prod.lock.yaml:8: error[X13] prod: lock file but image 'tune' has no field 'version'; its fields are repository, tag, digest; mend the file",
        ),
    ),
    Mistake(
        "an image without repository",
        (("environments/prod.lock.yaml", "    repository: ghcr.io/acme/tune\n", ""),),
        (
            "environments/prod.lock.yaml:7: error[X13] prod: lock file but image 'tune' has no repository; mend the file",
        ),
    ),
    Mistake(
        "conflict markers of a merge",
        (
            (
                "environments/prod.lock.yaml",
                '    tag: "7"\n',
                '<<<<<<< HEAD\n    tag: "7"\n=======\n    tag: "8"\n>>>>>>> bot\n',
            ),
        ),
        (
            "environments/prod.lock.yaml:8: error[X13] prod: lock file but git left a conflict here that is not resolved; take what the main branch has, pin images of yours again, and run modelyard synth: git restore --source=origin/main --staged --worktree dist environments/prod.lock.yaml",
        ),
    ),
    Mistake(
        "a list instead of a mapping",
        (("environments/prod.lock.yaml", "images:\n", "- images\n"),),
        (
            "environments/prod.lock.yaml:2: error[X13] prod: lock file but mapping values are not allowed in this context; mend the file",
        ),
    ),
]
