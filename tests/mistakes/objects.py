"""Patches, foreign objects and acceptances that do not fit."""

# a message is a line

from __future__ import annotations

from tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "a patch of an object that is not rendered",
        (
            ("environments/prod.py", "    TrainingJob(", "    tune = TrainingJob("),
            (
                "environments/prod.py",
                "    cdk8s.ApiObject(\n",
                '    tune.add_json_patch("Deployment", {"op": "remove", "path": "/spec"})\n    cdk8s.ApiObject(\n',
            ),
        ),
        (
            "environments/prod.py:27: error[X14] prod/tune: add_json_patch='Deployment' but the workload renders no such object; its objects are Job tune, NetworkPolicy tune, ServiceAccount tune",
        ),
    ),
    Mistake(
        "a patch of a path that does not exist",
        (
            ("environments/prod.py", "    TrainingJob(", "    tune = TrainingJob("),
            (
                "environments/prod.py",
                "    cdk8s.ApiObject(\n",
                '    tune.add_json_patch("Job", {"op": "replace", "path": "/spec/template/spec/contianers/0/image", "value": "x"})\n    cdk8s.ApiObject(\n',
            ),
        ),
        (
            "environments/prod.py:27: error[X14] prod/tune: patch of Job at /spec/template/spec/contianers/0/image but it cannot be applied: member 'contianers' not found; compare the path with the YAML in dist/ (lists are counted from 0)",
        ),
    ),
    Mistake(
        "a patch of an operation that does not exist",
        (
            ("environments/prod.py", "    TrainingJob(", "    tune = TrainingJob("),
            (
                "environments/prod.py",
                "    cdk8s.ApiObject(\n",
                '    tune.add_json_patch("Job", {"op": "set", "path": "/spec/backoffLimit", "value": 1})\n    cdk8s.ApiObject(\n',
            ),
        ),
        (
            "environments/prod.py:27: error[X14] prod/tune: patch of Job at /spec/backoffLimit but it cannot be applied: Unknown operation 'set'; compare the path with the YAML in dist/ (lists are counted from 0)",
        ),
    ),
    Mistake(
        "a patch that the schema refuses",
        (
            ("environments/prod.py", "    TrainingJob(", "    tune = TrainingJob("),
            (
                "environments/prod.py",
                "    cdk8s.ApiObject(\n",
                '    tune.add_json_patch("Job", {"op": "add", "path": "/spec/backofLimit", "value": 1})\n    cdk8s.ApiObject(\n',
            ),
        ),
        (
            "environments/prod.py:27: error[X05] prod/tune: Job tune-HASH spec but it has no field 'backofLimit'; did you mean 'backoffLimit'?",
        ),
    ),
    Mistake(
        "a patch of another name",
        (
            ("environments/prod.py", "    TrainingJob(", "    tune = TrainingJob("),
            (
                "environments/prod.py",
                "    cdk8s.ApiObject(\n",
                '    tune.add_json_patch("Job", {"op": "replace", "path": "/metadata/name", "value": "x"})\n    cdk8s.ApiObject(\n',
            ),
        ),
        (
            "environments/prod.py:27: error[X14] prod/tune: patch of Job but it changes the object's kind or name, by which others refer to it; leave kind and metadata.name alone; the workload's id is the name",
        ),
    ),
    Mistake(
        "a field that a foreign object's kind does not have",
        (("environments/prod.py", '"hard"', '"harrd"'),),
        (
            "environments/prod.py:32: error[X05] prod: ResourceQuota gpus spec but it has no field 'harrd'; did you mean 'hard'?",
        ),
    ),
    Mistake(
        "a kind that Kubernetes does not have",
        (("environments/prod.py", '"ResourceQuota"', '"ResourceQota"'),),
        (
            "environments/prod.py:32: error[X04] prod: ResourceQota gpus kind but it is 'ResourceQota', which v1 does not have in Kubernetes 1.34; did you mean v1 ResourceQuota?",
        ),
    ),
    Mistake(
        "a number that is none",
        (("environments/prod.py", 'gpu": 8', 'gpu": float("nan")'),),
        (
            "environments/prod.py:33: error[X08] prod: a number here is NaN or infinite, and JSON has no such number; pass a finite number",
        ),
    ),
    Mistake(
        "a number that Node would round",
        (("environments/prod.py", 'gpu": 8', 'gpu": 2**53 + 1'),),
        (
            "environments/prod.py:32: error[X08] prod: ResourceQuota gpus spec.hard['requests.nvidia.com/gpu']=9007199254740992 but a number of more than 53 bits that passes through cdk8s' Node process is rounded there; write it as a string, or render the object with modelyard's own classes",
        ),
    ),
    Mistake(
        "a set for cdk8s",
        (("environments/prod.py", 'gpu": 8', 'gpu": {8}'),),
        (
            "environments/prod.py:33: error[X08] prod: cdk8s takes dicts, lists, strings, numbers, booleans and None, and this is a set; pass one of them",
        ),
    ),
    Mistake(
        "an acceptance without reason",
        (("environments/prod.py", "retries=3", 'accept={"J13": ""}'),),
        (
            "environments/prod.py:23: error[X09] prod/tune: accept['J13']='' but an acceptance says why; write the reason as a string",
        ),
    ),
    Mistake(
        "an acceptance that is not needed",
        (("environments/prod.py", "retries=3", 'accept={"J13": "it ends by itself"}'),),
        (
            "environments/prod.py:23: error[X09] prod/tune: accept['J13']='it ends by itself' but nothing here breaks this rule; remove the acceptance",
        ),
    ),
    Mistake(
        "an acceptance of a rule that does not exist",
        (("environments/prod.py", "retries=3", 'accept={"ZZ9": "it ends by itself"}'),),
        (
            "environments/prod.py:23: error[X09] prod/tune: accept['ZZ9'] but there is no rule of this id; modelyard explain all lists the ids",
        ),
    ),
    Mistake(
        "an acceptance of what a cluster would refuse",
        (("environments/prod.py", "retries=3", 'accept={"X05": "it ends by itself"}'),),
        (
            "environments/prod.py:23: error[X09] prod/tune: accept['X05']='it ends by itself' but a breach of X05 would fail in the cluster and cannot be accepted; mend the cause, and remove this acceptance",
        ),
    ),
    Mistake(
        "a Kubernetes version that is not supported",
        (("environments/clusters.py", '"1.34"', '"1.12"'),),
        (
            "environments/clusters.py:7: error[X04] dev, prod: kubernetes='1.12' but modelyard knows Kubernetes 1.32 to 1.37; write one of them, such as kubernetes=\"1.37\"",
        ),
    ),
    Mistake(
        "a class of accelerators of which a node has none",
        (("environments/clusters.py", "per_node=4", "per_node=0"),),
        (
            "environments/clusters.py:8: error[X11] dev, prod: cluster.accelerators[0].per_node=0 but this is a count of at least 1; correct the value",
        ),
    ),
]
