"""Names that Kubernetes refuses, and names that are taken."""

# a message is a line

from __future__ import annotations

from tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "a training's name that is too long",
        (
            (
                "environments/prod.py",
                '"tune",\n        image',
                '"tunetunetunetunetunetunetunetunetunetunetunetunetunetunetune",\n        image',
            ),
        ),
        (
            "environments/prod.py:14: error[N03] prod/tunetunetunetunetunetunetunetunetunetunetunetunetunetunetune: id='tunetunetunetunetunetunetunetunetunetunetunetunetunetun...' but a name has at most 54 characters here and this one has 60 (a Job's name ends with a hash of 9); choose an id of at most 54 characters, such as churn-train",
        ),
    ),
    Mistake(
        "a training's name in upper case",
        (("environments/prod.py", '"tune",\n        image', '"Tune",\n        image'),),
        (
            "environments/prod.py:14: error[N03] prod/Tune: id='Tune' but a name holds a-z, 0-9 and \"-\" only, and starts and ends with a letter or digit (a Job's name ends with a hash of 9); choose an id of at most 54 characters, such as churn-train",
        ),
    ),
    Mistake(
        "a service's name with an underscore",
        (("environments/workloads.py", '"sentiment",\n        image', '"sentiment_api",\n        image'),),
        (
            'environments/workloads.py:8: error[N01] dev, prod / sentiment_api: id=\'sentiment_api\' but a name holds a-z, 0-9 and "-" only, starts with a letter and ends with no "-"; choose an id such as "sentiment", which is also the name of the Service',
        ),
    ),
    Mistake(
        "a service's name with a leading digit",
        (("environments/workloads.py", '"sentiment",\n        image', '"2nd-sentiment",\n        image'),),
        (
            'environments/workloads.py:8: error[N01] dev, prod / 2nd-sentiment: id=\'2nd-sentiment\' but a name holds a-z, 0-9 and "-" only, starts with a letter and ends with no "-"; choose an id such as "sentiment", which is also the name of the Service',
        ),
    ),
    Mistake(
        "a name that is none",
        (("environments/prod.py", '"tune",\n        image', "7,\n        image"),),
        (
            'environments/prod.py:14: error[X11] prod/7: id=7 but a workload has a name of its own; write a name such as "sentiment"',
        ),
    ),
    Mistake(
        "an empty name",
        (("environments/prod.py", '"tune",\n        image', '"",\n        image'),),
        (
            "environments/prod.py:14: error[X11] prod/: id='' but a workload has a name of its own; write a name such as \"sentiment\"",
        ),
    ),
    Mistake(
        "two workloads of one name",
        (("environments/prod.py", '"tune",\n        image', '"sentiment",\n        image'),),
        (
            "environments/prod.py:14: error[X02] prod/sentiment: id='sentiment' but the workload of this name at environments/workloads.py:8 is there already; give one of the two another id",
        ),
    ),
    Mistake(
        "an environment's name in upper case",
        (("environments/prod.py", '(fleet, "prod"', '(fleet, "Prod"'),),
        (
            'environments/prod.py:12: error[N19] Prod: name=\'Prod\' but a name holds a-z, 0-9 and "-" only, and starts and ends with a letter or digit; choose another name, such as "staging"',
        ),
    ),
    Mistake(
        "a namespace with an underscore",
        (("environments/prod.py", 'namespace="ml-prod"', 'namespace="ml_prod"'),),
        (
            'environments/prod.py:12: error[N19] prod: namespace=\'ml_prod\' but a name holds a-z, 0-9 and "-" only, and starts and ends with a letter or digit; choose a name such as "ml-prod"',
        ),
    ),
    Mistake(
        "an environment variable with a hyphen",
        (("environments/prod.py", '"EPOCHS": "4"', '"MAX-EPOCHS": "4"'),),
        (
            "environments/prod.py:22: error[N21] prod/tune: env['MAX-EPOCHS'] but an environment variable's name holds letters, digits and _ and starts with no digit; rename the variable",
        ),
    ),
    Mistake(
        "a label value with a space",
        (("environments/prod.py", "retries=3", 'labels={"team": "ml platform"}'),),
        (
            'environments/prod.py:23: error[N16] prod/tune: labels[\'team\']=\'ml platform\' but a label value holds letters, digits, "-", "_", "." and starts and ends with a letter or digit; shorten it, or keep to the characters of a label',
        ),
    ),
    Mistake(
        "an environment's label value with a space",
        (("environments/prod.py", "strict=True", 'strict=True, labels={"team": "ml platform"}'),),
        (
            'environments/prod.py:12: error[N16] prod: labels[\'team\']=\'ml platform\' but a label value holds letters, digits, "-", "_", "." and starts and ends with a letter or digit; shorten it, or keep to the characters of a label',
        ),
    ),
    Mistake(
        "a configuration file in a folder",
        (
            ("environments/prod.py", "import Claim,", "import ConfigFiles, Claim,"),
            ("environments/prod.py", "retries=3", 'config=ConfigFiles("/etc/tune", {"a/b.yaml": "x"})'),
        ),
        (
            'environments/prod.py:23: error[N19] prod/tune: config.files[\'a/b.yaml\'] but a key holds letters, digits, "-", "_" and "." only and has at most 253 characters; name files without folders',
        ),
    ),
    Mistake(
        "a Secret's name with an underscore",
        (
            ("environments/prod.py", "import Claim,", "import SecretKey, Claim,"),
            ("environments/prod.py", '"EPOCHS": "4"', '"KEY": SecretKey("my_secret", "key")'),
        ),
        (
            "environments/prod.py:22: error[N19] prod/tune: env['KEY'].name='my_secret' but a name holds a-z, 0-9, \"-\" and \".\" only, and starts and ends with a letter or digit; correct the value",
        ),
    ),
    Mistake(
        "two environments of one namespace in one cluster",
        (("environments/prod.py", 'namespace="ml-prod"', 'namespace="ml-dev"'),),
        (
            "environments/prod.py:12: warning[G17] prod: namespace='ml-dev' but it was ml-prod, and its controller leaves there what it has, or prunes it; here all is made anew, and claims are empty; move the data, and delete after the merge: kubectl delete namespace ml-prod",
            "environments/prod.py:12: error[X02] prod: apps/v1 Deployment ml-dev/sentiment but the environment dev renders it and 6 more into the same cluster eks; give each environment a namespace of its own",
        ),
    ),
]
