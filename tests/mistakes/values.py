"""Values that nothing works with."""

# a message is a line

from __future__ import annotations

from tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "a unit that Kubernetes does not have",
        (("environments/workloads.py", 'memory="1Gi"', 'memory="1GB"'),),
        (
            'environments/workloads.py:15: error[R01] dev, prod / sentiment: memory=\'1GB\' but a quantity is a number with one of the suffixes m, k, M, G, T, Ki, Mi, Gi, Ti, or none; write "1Gi" (or "1G")',
        ),
    ),
    Mistake(
        "a space before a unit",
        (("environments/prod.py", 'memory="16Gi"', 'memory="16 Gi"'),),
        (
            'environments/prod.py:21: error[R01] prod/tune: memory=\'16 Gi\' but a quantity is a number with one of the suffixes m, k, M, G, T, Ki, Mi, Gi, Ti, or none; write "16Gi" (or "16G")',
        ),
    ),
    Mistake(
        "a negative quantity",
        (("environments/prod.py", "cpu=4", 'cpu="-1"'),),
        (
            "environments/prod.py:20: error[R01] prod/tune: cpu='-1' but a quantity must be above 0 here; write cores, such as \"500m\" or 2",
        ),
    ),
    Mistake(
        "a quantity of zero",
        (("environments/prod.py", "cpu=4", "cpu=0"),),
        (
            'environments/prod.py:20: error[R01] prod/tune: cpu=0 but a quantity must be above 0 here; write cores, such as "500m" or 2',
        ),
    ),
    Mistake(
        "a request above its limit",
        (("environments/prod.py", 'memory="16Gi"', 'memory="16Gi", memory_limit="8Gi"'),),
        (
            "environments/prod.py:21: error[R08] prod/tune: memory='16Gi' but memory_limit is '8Gi', and a request is at most its limit; raise memory_limit to at least 16Gi, or lower memory",
        ),
    ),
    Mistake(
        "a negative count",
        (("environments/prod.py", "retries=3", "retries=-1"),),
        (
            "environments/prod.py:23: error[J07] prod/tune: retries=-1 but a job is retried 0 times or more; correct the value",
        ),
    ),
    Mistake(
        "a negative duration",
        (("environments/prod.py", "hours(6)", "hours(-1)"),),
        (
            "environments/prod.py:24: error[X11] prod/tune: deadline=seconds(-3600) but it is a length of time above zero; correct the value",
        ),
    ),
    Mistake(
        "no time to stop",
        (("environments/prod.py", "hours(6)", "hours(6), grace=hours(0)"),),
        (
            "environments/prod.py:24: error[X11] prod/tune: grace=seconds(0) but it is a length of time above zero; correct the value",
        ),
    ),
    Mistake(
        "no GPU of a class",
        (("environments/prod.py", 'Gpu("l4", 2)', 'Gpu("l4", 0)'),),
        (
            "environments/prod.py:19: error[R05] prod/tune: gpu.count=0 but it is a whole number of at least 1; leave gpu= away for none; correct the value",
        ),
    ),
    Mistake(
        "a class of GPUs that the cluster does not have",
        (("environments/prod.py", 'Gpu("l4", 2)', 'Gpu("h100", 2)'),),
        (
            "environments/prod.py:19: error[R09] prod/tune: gpu.accelerator='h100' but the cluster eks has no such accelerator; it has l4 (4 a node)",
        ),
    ),
    Mistake(
        "more GPUs than a node has",
        (("environments/prod.py", 'Gpu("l4", 2)', 'Gpu("l4", 8)'),),
        ("environments/prod.py:19: error[R09] prod/tune: gpu.count=8 but a node of eks has 4 of l4; ask for 1 to 4",),
    ),
    Mistake(
        "a minimum above the maximum",
        (("environments/prod.py", "most=9", "most=1"),),
        (
            "environments/workloads.py:16: error[A01] prod/sentiment: scale.min=2 but scale.max is 1, and the fewest replicas are at most the most; lower min, or raise max to at least 2",
            "    called from environments/prod.py:13",
        ),
    ),
    Mistake(
        "replicas beside an autoscaler",
        (
            (
                "environments/workloads.py",
                "scale=CpuScale(min=2, max=most)",
                "scale=CpuScale(min=2, max=most),\n        replicas=2",
            ),
        ),
        (
            "environments/workloads.py:17: error[A12] dev, prod / sentiment: replicas=2 but scale= is given too, and the autoscaler owns the number of replicas; leave replicas= away; the service starts with scale.min=2",
        ),
    ),
    Mistake(
        "a target of zero percent",
        (("environments/workloads.py", "max=most)", "max=most, target=0)"),),
        (
            "environments/workloads.py:16: error[X11] dev, prod / sentiment: scale.target=0 but it is a whole number of at least 1; correct the value",
        ),
    ),
    Mistake(
        "an autoscaler without CPU to measure",
        (("environments/workloads.py", 'cpu="500m"', 'cpu=""'),),
        (
            "environments/workloads.py:14: error[R01] dev, prod / sentiment: cpu='' but a quantity is a number with one of the suffixes m, k, M, G, T, Ki, Mi, Gi, Ti, or none; write cores, such as \"500m\" or 2",
        ),
    ),
    Mistake(
        "port 0",
        (("environments/workloads.py", "port=5000", "port=0"),),
        (
            "environments/workloads.py:12: error[N20] dev, prod / sentiment: port=0 but a port is a number from 1 to 65535; correct the value",
        ),
    ),
    Mistake(
        "port 70000",
        (("environments/workloads.py", "port=5000", "port=70000"),),
        (
            "environments/workloads.py:12: error[N20] dev, prod / sentiment: port=70000 but a port is a number from 1 to 65535; correct the value",
        ),
    ),
    Mistake(
        "two ports of one number",
        (
            ("environments/workloads.py", "import CpuScale", "import Port, CpuScale"),
            ("environments/workloads.py", "port=5000", 'port=[Port("http", 5000), Port("metrics", 5000)]'),
        ),
        (
            "environments/workloads.py:12: error[D08] dev, prod / sentiment: port[1].number=5000 but another port of this service has it; give each port its own",
        ),
    ),
    Mistake(
        "two ports of one name",
        (
            ("environments/workloads.py", "import CpuScale", "import Port, CpuScale"),
            ("environments/workloads.py", "port=5000", 'port=[Port("http", 5000), Port("http", 9090)]'),
        ),
        (
            "environments/workloads.py:12: error[D08] dev, prod / sentiment: port[1].name='http' but another port of this service has it; give each port its own",
        ),
    ),
    Mistake(
        "a health path without slash",
        (("environments/workloads.py", '"/healthz"', '"healthz"'),),
        (
            'environments/workloads.py:13: error[P03] dev, prod / sentiment: health=\'healthz\' but an HTTP path starts with "/"; write health="/healthz"',
        ),
    ),
    Mistake(
        "a health check on a port that does not exist",
        (
            ("environments/workloads.py", "import CpuScale", "import HttpGet, CpuScale"),
            ("environments/workloads.py", 'health="/healthz"', 'health=HttpGet("/healthz", port="htp")'),
        ),
        (
            "environments/workloads.py:13: error[P03] dev, prod / sentiment: health.port='htp' but the service has no port of this name; did you mean http?",
        ),
    ),
    Mistake(
        "the user root",
        (("environments/prod.py", "retries=3", "user=0"),),
        (
            "environments/prod.py:23: error[P17] prod/tune: user=0 but pods run as a user id from 1 to 2147483647, never as root; correct the value",
        ),
    ),
    Mistake(
        "a relative mount path",
        (("environments/prod.py", '"/data"', '"data"'),),
        (
            'environments/prod.py:25: error[V06] prod/tune: volumes[0].mount=\'data\' but a mount path is absolute, is not "/" and holds no ":" and no ".."; write an absolute path such as "/data"',
        ),
    ),
    Mistake(
        "two volumes on one path",
        (
            ("environments/prod.py", "import Claim,", "import EmptyDir, Claim,"),
            ("environments/prod.py", "volumes=[Claim", 'volumes=[EmptyDir("/data/"), Claim'),
        ),
        (
            "environments/prod.py:25: error[V06] prod/tune: volumes[1].mount='/data' but volumes[0].mount is mounted there already; give each volume a folder of its own",
        ),
    ),
    Mistake(
        "a claim of one node for many replicas",
        (
            ("environments/workloads.py", "import CpuScale", "import Claim, CpuScale"),
            (
                "environments/workloads.py",
                "scale=CpuScale(min=2, max=most)",
                'replicas=most,\n        volumes=[Claim("models", "/models", size="10Gi")]',
            ),
            ("environments/prod.py", "    sentiment(env, most=9)\n", ""),
            ("environments/prod.py", "from environments.workloads import sentiment\n", ""),
        ),
        (
            "environments/workloads.py:17: error[V01] dev/sentiment: volumes[0].access_mode='ReadWriteOnce' but up to 3 replicas on different nodes mount models, and this mode is for one node; use ReadWriteMany or ReadOnlyMany storage, or one replica",
            "    called from environments/dev.py:11",
        ),
    ),
    Mistake(
        "an exit code of success among the fatal ones",
        (("environments/prod.py", "retries=3", "fatal_exit_codes=[0, 2]"),),
        (
            "environments/prod.py:23: error[J14] prod/tune: fatal_exit_codes=0 but an exit code that fails a job is one from 1 to 255; leave it out; 0 is success",
        ),
    ),
    Mistake(
        "an image reference in upper case",
        (("environments/prod.py", 'env.image("tune")', '"ghcr.io/acme/Tune:1"'),),
        (
            'environments/prod.py:17: error[P02] prod/tune: image=\'ghcr.io/acme/Tune:1\' but a repository is lower case and holds letters, digits and single . _ - / between them; write a reference such as "ghcr.io/acme/model:1.4.2", or take it from env.image("model")',
        ),
    ),
    Mistake(
        "an image without digest in a strict environment",
        (("environments/prod.py", 'env.image("tune")', '"ghcr.io/acme/tune:7"'),),
        (
            "environments/prod.py:14: error[P01] prod/tune: Job tune-HASH spec.template.spec.containers[0].image='ghcr.io/acme/tune:7' but a tag can be moved, and the next restart runs what it then stands for; pin it (modelyard images pin), then image=env.image(\"model\")",
        ),
    ),
    Mistake(
        "the tag latest in a strict environment",
        (("environments/prod.py", 'env.image("tune")', '"ghcr.io/acme/tune:latest"'),),
        (
            "environments/prod.py:14: error[P01] prod/tune: Job tune-HASH spec.template.spec.containers[0].image='ghcr.io/acme/tune:latest' but latest is whatever was pushed last; pin it (modelyard images pin), then image=env.image(\"model\")",
        ),
    ),
    Mistake(
        "a secret in an environment variable",
        (("environments/prod.py", '"EPOCHS": "4"', '"HF_TOKEN": "hf_QzXvTnRbWkLpMsYdGhJcFaEuVoIqNx"'),),
        (
            "environments/prod.py:14: error[V18] prod/tune: Job tune-HASH spec.template.spec.containers[0].env[2].value but it looks like a Hugging Face token (HF_TOKEN), which everybody who reads the repository could use; revoke it, put a new one into a Secret that is made outside git, and refer to that with SecretKey(...)",
        ),
    ),
    Mistake(
        "half of a character",
        (("environments/prod.py", '"EPOCHS": "4"', '"EPOCHS": "\\ud800"'),),
        (
            "environments/prod.py:14: error[X08] prod/tune: Job tune-HASH spec.template.spec.containers[0].env[2].value but half of a surrogate pair is no character; write a value that JSON can hold",
        ),
    ),
]
