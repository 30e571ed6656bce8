"""P: images, users and the end of pods, each rule with what breaks it and what is close to it and right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Cluster, Environment, seconds
from modelyard.serving import Drain
from tests.rules import manifests
from tests.rules.patches import MAIN, POD, Setup, deployment, foreign, job, put, remove, texts
from tests.support import DIGEST, environment, found, raw, service

CASES: list[Any] = []
DEPLOYMENT = manifests.deployment()
INIT = {"name": "init", "image": "ghcr.io/acme/init:1"}
API = "test/api: Deployment api spec.template.spec."
MODEL = API + "containers[0]."
WEB = "test: Deployment web spec.template.spec.containers[0]."


def case(rule: str, name: str, setup: Setup, text: str | None = None) -> None:
    """Keep one case: what *setup* is to *rule*, with the one finding or none."""
    CASES.append(pytest.param(rule, setup, [] if text is None else [text], id=f"{rule}-{name}"))


case(
    "P01", "tag", lambda scope: service(scope, image="ghcr.io/acme/model:1.4"),
    text=MODEL + "image='ghcr.io/acme/model:1.4' but a tag can be moved, and the next restart runs what it "
    'then stands for; pin it (modelyard images pin), then image=env.image("model")',
)  # fmt: skip
case(
    "P01", "latest", lambda scope: service(scope, image="ghcr.io/acme/model:latest"),
    text=MODEL + "image='ghcr.io/acme/model:latest' but latest is whatever was pushed last; pin it "
    '(modelyard images pin), then image=env.image("model")',
)  # fmt: skip
case(
    "P01", "no tag", foreign(DEPLOYMENT, put(f"{MAIN}/image", "nginx")),
    text=WEB + "image='nginx' but without a tag it means latest, which is whatever was pushed last; add the "
    "digest of the image, @sha256:...",
)  # fmt: skip
case(
    "P02", "upper case", deployment(put(f"{MAIN}/image", "ghcr.io/acme/Model:1")),
    text=MODEL + "image='ghcr.io/acme/Model:1' but a repository is lower case and holds letters, digits and "
    'single . _ - / between them; write a reference such as "ghcr.io/acme/model:1.4.2"',
)  # fmt: skip
case(
    "P02", "missing", deployment(remove(f"{MAIN}/image")),
    text=MODEL + 'image but a container runs an image; write a reference such as "ghcr.io/acme/model:1.4.2"',
)  # fmt: skip
case(
    "P02", "short digest", deployment(put(f"{MAIN}/image", "model@sha256:1234")),
    text=MODEL + "image='model@sha256:1234' but a digest is sha256: and 64 hexadecimal digits in lower case; "
    'write a reference such as "ghcr.io/acme/model:1.4.2"',
)  # fmt: skip
case(
    "P02", "option", lambda scope: service(scope, image="Model:1"),
    text="test/api: image='Model:1' but a repository is lower case and holds letters, digits and single . "
    '_ - / between them; write a reference such as "ghcr.io/acme/model:1.4.2", or take it from '
    'env.image("model")',
)  # fmt: skip
case(
    "P13", "shell", lambda scope: service(scope, command=["sh", "-c", "python warm.py && python serve.py"]),
    text=MODEL + "command=['sh', '-c'] but the shell does not hand SIGTERM on to the commands of its script, "
    'which are killed after 65 seconds; write "exec" before the last command, so that it takes the '
    "place of the shell",
)  # fmt: skip
case(
    "P13", "script in args",
    foreign(DEPLOYMENT, put(f"{MAIN}/command", ["/bin/bash", "-ec"]), put(f"{MAIN}/args", ["cd /app; ./serve"])),
    text=WEB + "command=['/bin/bash', '-ec'] but the shell does not hand SIGTERM on to the commands of its "
    'script; write "exec" before the last command, so that it takes the place of the shell',
)  # fmt: skip
case(
    "P10", "restart policy of a container", deployment(put(f"{MAIN}/restartPolicy", "Never")),
    text=MODEL + "restartPolicy='Never' but Kubernetes 1.34 knows it only on init containers, as Always, "
    "unless its gate ContainerRestartRules is on; remove restartPolicy from the container",
)  # fmt: skip
case(
    "P11", "sleep beyond the grace period", deployment(put(f"{MAIN}/lifecycle/preStop/sleep/seconds", 66)),
    text=MODEL + "lifecycle.preStop.sleep.seconds=66 but terminationGracePeriodSeconds is 65, and the hook "
    "is part of it; raise terminationGracePeriodSeconds, or sleep for less",
)  # fmt: skip
case(
    "P11", "negative sleep", deployment(put(f"{MAIN}/lifecycle/preStop/sleep/seconds", -1)),
    text=MODEL + "lifecycle.preStop.sleep.seconds=-1 but nobody sleeps less than 0 seconds; write 1 or more",
)  # fmt: skip
case(
    "P26", "restarts never", deployment(put(f"{POD}/restartPolicy", "Never")),
    text=API + "restartPolicy='Never' but a Deployment keeps its pods running; run what ends as a Job "
    "(TrainingJob), or write restartPolicy: Always",
)  # fmt: skip
case(
    "P26", "deadline", deployment(put(f"{POD}/activeDeadlineSeconds", 60)),
    text=API + "activeDeadlineSeconds=60 but a Deployment keeps its pods running; remove it, or run what "
    "ends as a Job (TrainingJob)",
)  # fmt: skip
case(
    "P28", "no time left", deployment(put(f"{POD}/terminationGracePeriodSeconds", 15)),
    text=MODEL + "lifecycle.preStop='sleep 15' but terminationGracePeriodSeconds is 15, so the process has 0 "
    "seconds to stop; raise terminationGracePeriodSeconds to at least 20",
)  # fmt: skip
case(
    "P28", "shell that sleeps",
    foreign(DEPLOYMENT, put(f"{MAIN}/lifecycle", {"preStop": {"exec": {"command": ["sh", "-c", "sleep 40"]}}})),
    text=WEB + "lifecycle.preStop='sleep 40' but terminationGracePeriodSeconds is 30, so the process has 0 "
    "seconds to stop; raise terminationGracePeriodSeconds to at least 45",
)  # fmt: skip
case(
    "P17", "root", deployment(put(f"{POD}/securityContext/runAsUser", 0)),
    text=API + "securityContext.runAsUser=0 but runAsNonRoot is true, and 0 is root; write a number above 0, "
    "such as 10001",
)  # fmt: skip
case(
    "P17", "root in a container", deployment(put(f"{MAIN}/securityContext/runAsUser", 0)),
    text=MODEL + "securityContext.runAsUser=0 but runAsNonRoot is true, and 0 is root; write a number above "
    "0, such as 10001",
)  # fmt: skip
case(
    "P17", "negative group", deployment(put(f"{POD}/securityContext/fsGroup", -1)),
    text=API + "securityContext.fsGroup=-1 but ids are 0 to 2147483647; write a number above 0, such as "
    "10001",
)  # fmt: skip
case(
    "P17", "group that is too large", deployment(put(f"{MAIN}/securityContext/runAsGroup", 2**31)),
    text=MODEL + "securityContext.runAsGroup=2147483648 but ids are 0 to 2147483647; write a number above 0, "
    "such as 10001",
)  # fmt: skip
case(
    "P17", "option", lambda scope: service(scope, user=0),
    text="test/api: user=0 but pods run as a user id from 1 to 2147483647, never as root; correct the "
    "value",
)  # fmt: skip
case(
    "P19", "nothing writable", deployment(put(f"{MAIN}/volumeMounts/0/readOnly", value=True)),
    text=MODEL + "securityContext.readOnlyRootFilesystem=True but nothing writable is mounted at /tmp; mount "
    "an emptyDir at /tmp",
)  # fmt: skip
case(
    "P25", "token", deployment(put(f"{POD}/automountServiceAccountToken", value=True)),
    text=API + "automountServiceAccountToken=True but no RoleBinding of this environment gives the account "
    "api anything to do with it; write automountServiceAccountToken: false, or render the RoleBinding "
    "that the pod needs it for",
)  # fmt: skip
case(
    "P30", "privileged", deployment(put(f"{MAIN}/securityContext/privileged", value=True)),
    text=MODEL + "securityContext.allowPrivilegeEscalation=False but the container is privileged; remove "
    "allowPrivilegeEscalation, or better the privilege",
)  # fmt: skip
case(
    "P30", "capability", deployment(put(f"{MAIN}/securityContext/capabilities/add", ["CAP_SYS_ADMIN"])),
    text=MODEL + "securityContext.allowPrivilegeEscalation=False but the container adds CAP_SYS_ADMIN; "
    "remove allowPrivilegeEscalation, or better the privilege",
)  # fmt: skip


def shell(script: str, *options: str) -> Setup:
    """Return what adds a service that runs *script* in a shell."""
    return lambda scope: service(scope, command=["sh", *(options or ("-c",)), script])


case("P01", "digest", lambda scope: service(scope, image=f"ghcr.io/acme/model@{DIGEST}"))
case("P02", "registry with a port", foreign(DEPLOYMENT, put(f"{MAIN}/image", "localhost:5000/a/b_c:1")))
case("P02", "sha512", foreign(DEPLOYMENT, put(f"{MAIN}/image", "model@sha512:" + "a" * 128)))
case("P13", "one command", shell("python serve.py"))
case("P13", "exec", shell("python warm.py && exec python serve.py"))
case("P13", "trap", shell("trap 'kill $!' TERM; python serve.py & wait"))
case("P13", "file", shell("serve.sh", "-x"))
case("P13", "no shell", lambda scope: service(scope, command=["python", "-c", "a(); b()"]))
case("P13", "init container", deployment(put(f"{POD}/initContainers", [{**INIT, "command": ["sh", "-c", "a && b"]}])))
case("P10", "sidecar", deployment(put(f"{POD}/initContainers", [{**INIT, "restartPolicy": "Always"}])))
case("P11", "all of the grace period", deployment(put(f"{MAIN}/lifecycle/preStop/sleep/seconds", 65)))
case("P26", "Job", job())
case("P26", "default", deployment(remove(f"{POD}/restartPolicy")))
case("P28", "5 seconds left", deployment(put(f"{POD}/terminationGracePeriodSeconds", 20)))
case("P28", "nothing to finish", lambda scope: service(scope, drain=Drain(delay=seconds(15), finish=seconds(0))))
case("P28", "another command", foreign(DEPLOYMENT, put(f"{MAIN}/lifecycle", {"preStop": {"exec": {"command": ["a"]}}})))
case(
    "P17", "root allowed",
    deployment(put(f"{POD}/securityContext/runAsUser", 0), put(f"{POD}/securityContext/runAsNonRoot", value=False)),
)  # fmt: skip
case(
    "P17", "root replaced",
    deployment(put(f"{POD}/securityContext/runAsUser", 0), put(f"{MAIN}/securityContext/runAsUser", 1)),
)  # fmt: skip
case("P19", "writable image", lambda scope: service(scope, read_only_root=False))
case("P25", "default", deployment(remove(f"{POD}/automountServiceAccountToken")))
case(
    "P30", "not said",
    deployment(
        put(f"{MAIN}/securityContext/privileged", value=True),
        remove(f"{MAIN}/securityContext/allowPrivilegeEscalation"),
    ),
)  # fmt: skip


@pytest.mark.parametrize(("rule", "setup", "expected"), CASES)
def test_the_rule(tmp_path: Path, rule: str, setup: Setup, expected: list[str]) -> None:
    """Each case has the finding that it says, word for word, or none of this rule."""
    assert texts(tmp_path, rule, setup) == expected


def test_nothing_to_say_about_the_stock_service(tmp_path: Path) -> None:
    """What modelyard renders by itself keeps all rules."""
    scope = environment(tmp_path)
    service(scope)
    assert found(scope) == []


@pytest.mark.parametrize(("strict", "severity"), [(False, "warning"), (True, "error")])
def test_an_unpinned_image_is_an_error_in_a_strict_environment(tmp_path: Path, strict: bool, severity: str) -> None:  # noqa: FBT001 # a parameter of the test
    """Elsewhere it is a warning."""
    scope = environment(tmp_path, strict=strict)
    service(scope, image="ghcr.io/acme/model:1.4")
    assert [(one.rule, one.severity) for one in found(scope)] == [("P01", severity)]


@pytest.mark.parametrize(
    ("kubernetes", "setup", "rule", "count"),
    [
        ("1.32", deployment(put(f"{MAIN}/lifecycle/preStop/sleep/seconds", 0)), "P11", 1),
        ("1.33", deployment(put(f"{MAIN}/lifecycle/preStop/sleep/seconds", 0)), "P11", 0),
        ("1.33", deployment(put(f"{POD}/initContainers", [{**INIT, "restartPolicy": "OnFailure"}])), "P10", 1),
        ("1.35", deployment(put(f"{POD}/initContainers", [{**INIT, "restartPolicy": "OnFailure"}])), "P10", 0),
        ("1.35", deployment(put(f"{MAIN}/restartPolicy", "Never")), "P10", 0),
    ],
)
def test_what_a_cluster_knows_depends_on_its_version(
    tmp_path: Path, kubernetes: str, setup: Setup, rule: str, count: int
) -> None:
    """A newer API server takes more."""
    cluster = Cluster("test", kubernetes=kubernetes)
    assert len(texts(tmp_path, rule, setup, cluster=cluster)) == count


def test_a_token_is_right_where_a_role_is_bound_to_the_account(tmp_path: Path) -> None:
    """RBAC that is rendered beside the pod shows what the token is for."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "api"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "api"}],
    }

    def setup(scope: Environment) -> None:
        raw(scope, binding)
        deployment(put(f"{POD}/automountServiceAccountToken", value=True))(scope)

    assert texts(tmp_path, "P25", setup) == []
