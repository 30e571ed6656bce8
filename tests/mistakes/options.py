"""Options of the wrong name, of the wrong type, or missing."""

# a message is a line

from __future__ import annotations

from tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "an option that does not exist",
        (("environments/prod.py", "retries=3", "retrys=3"),),
        (
            "environments/prod.py:23: error[X12] prod/tune: retrys=3 but TrainingJob has no such option; did you mean retries?",
        ),
    ),
    Mistake(
        "gpus instead of gpu",
        (("environments/prod.py", 'gpu=Gpu("l4", 2)', 'gpus=Gpu("l4", 2)'),),
        (
            "environments/prod.py:19: error[X12] prod/tune: gpus=<Gpu> but TrainingJob has no such option; did you mean gpu?",
        ),
    ),
    Mistake(
        "an option of a value that does not exist",
        (("environments/prod.py", 'Gpu("l4", 2)', 'Gpu("l4", number=2)'),),
        (
            "environments/prod.py:19: error[X12] prod: number=2 but Gpu has no such option; its options are accelerator, count",
        ),
    ),
    Mistake(
        "an option of an environment that does not exist",
        (("environments/prod.py", "strict=True", "strickt=True"),),
        (
            "environments/prod.py:12: error[X12] prod: strickt=True but Environment has no such option; did you mean strict?",
        ),
    ),
    Mistake(
        "a label of an environment that modelyard writes itself",
        (("environments/prod.py", "strict=True", 'strict=True, labels={"app": "acme"}'),),
        (
            "environments/prod.py:12: error[X11] prod: labels['app']='acme' but modelyard writes this label itself, and selects pods by it; choose another key",
        ),
    ),
    Mistake(
        "a label of a workload that modelyard writes itself",
        (("environments/prod.py", "retries=3", 'labels={"app": "acme"}'),),
        (
            "environments/prod.py:23: error[X11] prod/tune: labels['app']='acme' but modelyard writes this label itself, and selects pods by it; choose another key",
        ),
    ),
    Mistake(
        "an option that is missing",
        (("environments/prod.py", '        image=env.image("tune"),\n', ""),),
        ("environments/prod.py:14: error[X12] prod/tune: image but TrainingJob cannot do without it; add image=...",),
    ),
    Mistake(
        "an option of a value that is missing",
        (("environments/prod.py", 'Gpu("l4", 2)', "Gpu(count=2)"),),
        ("environments/prod.py:19: error[X12] prod: accelerator but Gpu cannot do without it; add accelerator=...",),
    ),
    Mistake(
        "an option of an environment that is missing",
        (("environments/prod.py", ', namespace="ml-prod"', ""),),
        (
            "environments/prod.py:12: error[X12] prod: namespace but Environment cannot do without it; add namespace=...",
        ),
    ),
    Mistake(
        "a list for a quantity",
        (("environments/prod.py", "cpu=4", "cpu=[4]"),),
        (
            "environments/prod.py:20: error[X11] prod/tune: cpu=[4] but it must be a string or a whole number; pass a string or a whole number",
        ),
    ),
    Mistake(
        "a number for a quantity of memory",
        (("environments/prod.py", 'memory="16Gi"', "memory=16"),),
        ('environments/prod.py:21: error[X11] prod/tune: memory=16 but it must be a string; write "16"',),
    ),
    Mistake(
        "True for a count",
        (("environments/prod.py", "retries=3", "retries=True"),),
        (
            "environments/prod.py:23: error[X11] prod/tune: retries=True but it must be a whole number; pass a whole number",
        ),
    ),
    Mistake(
        "a number for a duration",
        (("environments/prod.py", "deadline=hours(6)", "deadline=3600"),),
        (
            "environments/prod.py:24: error[X11] prod/tune: deadline=3600 but it must be a duration such as hours(6) or None; pass a duration such as hours(6) or None",
        ),
    ),
    Mistake(
        "a number for GPUs",
        (("environments/prod.py", 'gpu=Gpu("l4", 2)', "gpu=2"),),
        ("environments/prod.py:19: error[X11] prod/tune: gpu=2 but it must be a Gpu or None; pass a Gpu or None",),
    ),
    Mistake(
        "a string for a flag",
        (("environments/prod.py", "retries=3", 'evictable="yes"'),),
        (
            "environments/prod.py:23: error[X11] prod/tune: evictable='yes' but it must be True or False; pass True or False",
        ),
    ),
    Mistake(
        "a string for a command",
        (("environments/prod.py", 'command=["python", "tune.py"]', 'command="python tune.py"'),),
        (
            'environments/prod.py:18: error[X11] prod/tune: command=\'python tune.py\' but it must be a list whose items are each a string; write ["python", "tune.py"]',
        ),
    ),
    Mistake(
        "a number in a command",
        (("environments/prod.py", '"tune.py"]', '"tune.py", 4]'),),
        ('environments/prod.py:18: error[X11] prod/tune: command[2]=4 but it must be a string; write "4"',),
    ),
    Mistake(
        "a number for an environment variable",
        (("environments/prod.py", '"EPOCHS": "4"', '"EPOCHS": 4'),),
        (
            "environments/prod.py:22: error[X11] prod/tune: env['EPOCHS'] but it must be a string, a SecretKey or a FieldRef; write a string in quotes, or a SecretKey or a FieldRef",
        ),
    ),
    Mistake(
        "a string for a port",
        (("environments/workloads.py", "port=5000", 'port="5000"'),),
        (
            "environments/workloads.py:12: error[X11] dev, prod / sentiment: port='5000' but it must be a whole number, a list whose items are each a Port or None; pass a whole number, a list whose items are each a Port or None",
        ),
    ),
    Mistake(
        "a string for a cluster",
        (("environments/prod.py", "cluster=EKS", 'cluster="eks"'),),
        ("environments/prod.py:12: error[X11] prod: cluster='eks' but it must be a Cluster; pass a Cluster",),
    ),
    Mistake(
        "a number for a Kubernetes version",
        (("environments/clusters.py", '"1.34"', "1.34"),),
        (
            'environments/clusters.py:5: error[X11] dev, prod: cluster.kubernetes=1.34 but it must be a string; write "1.34"',
        ),
    ),
    Mistake(
        "an access mode that does not exist",
        (("environments/prod.py", '"ReadOnlyMany"', '"ReadOnly"'),),
        (
            "environments/prod.py:25: error[X11] prod/tune: volumes[0].access_mode='ReadOnly' but it must be 'ReadWriteOnce' or 'ReadOnlyMany' or 'ReadWriteMany' or 'ReadWriteOncePod' or None; pass 'ReadWriteOnce' or 'ReadOnlyMany' or 'ReadWriteMany' or 'ReadWriteOncePod' or None",
        ),
    ),
    Mistake(
        "a training without command",
        (("environments/prod.py", '        command=["python", "tune.py"],\n', ""),),
        (
            'environments/prod.py:14: error[X11] prod/tune: command=[] but a training says what it runs; write command=["python", "train.py"]',
        ),
    ),
    Mistake(
        "a fleet for an environment",
        (("environments/prod.py", "TrainingJob(\n        env", "TrainingJob(\n        fleet"),),
        (
            "environments/prod.py:14: error[X11] tune: scope=<Fleet> but a workload stands in an Environment; pass the environment as the first argument",
        ),
    ),
    Mistake(
        "a workload without id",
        (("environments/prod.py", '        "tune",\n', ""),),
        ("environments/prod.py:14: error[X12] prod/?: id but TrainingJob cannot do without it; add id=...",),
    ),
    Mistake(
        "a storage class for a claim that is not made",
        (("environments/prod.py", '"/data"', '"/data", storage_class="gp3"'),),
        (
            "environments/prod.py:25: error[X11] prod/tune: volumes[0].storage_class='gp3' but the claim is not made here, since it has no size; add size=, or leave storage_class= away",
        ),
    ),
]
