"""Python that does not run, or does not make what it is for."""

# a message is a line

from __future__ import annotations

from tests.mistakes.mistake import Mistake

MISTAKES = [
    Mistake(
        "an exception in an environment",
        (("environments/prod.py", "most=9", 'most=int("nine")'),),
        (
            "environments/prod.py:13: error[X10] prod: this raised ValueError: invalid literal for int() with base 10: 'nine'; mend the line",
        ),
    ),
    Mistake(
        "an exception without message",
        (
            (
                "environments/workloads.py",
                "    ScalableModelService(\n",
                "    raise ValueError\n    ScalableModelService(\n",
            ),
        ),
        ("environments/workloads.py:8: error[X10] dev, prod: this raised ValueError: no message; mend the line",),
    ),
    Mistake(
        "an exception in a function of several environments",
        (("environments/workloads.py", "max=most", 'max={"a": 1}["b"]'),),
        ("environments/workloads.py:16: error[X10] dev, prod: this raised KeyError: 'b'; mend the line",),
    ),
    Mistake(
        "a fleet without environments",
        (("environments/__init__.py", '{"dev": dev, "prod": prod}', "{}"),),
        (
            "main.py:7: error[X16] main.py: Fleet(environments) but it names no environment, and everything in dist/ would go; name at least one; to be rid of all, delete dist/ with git",
        ),
    ),
    Mistake(
        "a name that is not defined",
        (("environments/prod.py", "    sentiment(env", "    sentimnt(env"),),
        (
            "environments/prod.py:13: error[X10] prod: name 'sentimnt' is not defined; define it, or correct its spelling",
        ),
    ),
    Mistake(
        "an attribute that does not exist",
        (("environments/prod.py", "most=9", "most=env.most"),),
        (
            "environments/prod.py:13: error[X10] prod: this raised AttributeError: 'Environment' object has no attribute 'most'; mend the line",
        ),
    ),
    Mistake(
        "a parenthesis that is not closed",
        (("environments/prod.py", "most=9)", "most=9"),),
        ("environments/prod.py:13: error[X15] main.py: this is no valid Python: '(' was never closed; mend the line",),
    ),
    Mistake(
        "a line that is indented too far",
        (("environments/dev.py", "    sentiment(env", "     sentiment(env"),),
        ("environments/dev.py:11: error[X15] main.py: this is no valid Python: unexpected indent; mend the line",),
    ),
    Mistake(
        "an import of a name that does not exist",
        (("environments/prod.py", "import Claim,", "import Claims,"),),
        (
            "environments/prod.py:7: error[X15] main.py: the import fails: cannot import name 'Claims' from 'modelyard'; did you mean Claim?",
            "    called from environments/__init__.py:4, main.py:5",
        ),
    ),
    Mistake(
        "an import of a module that does not exist",
        (("environments/prod.py", "import cdk8s\n", "import cdk9s\n"),),
        (
            "environments/prod.py:3: error[X15] main.py: the import fails: No module named 'cdk9s'; correct the name, or run it with the project's .venv",
            "    called from environments/__init__.py:4, main.py:5",
        ),
    ),
    Mistake(
        "a function that makes no environment",
        (
            (
                "environments/prod.py",
                '    env = Environment(fleet, "prod", cluster=EKS, namespace="ml-prod", strict=True)\n',
                "    return\n",
            ),
        ),
        (
            "environments/prod.py:10: error[X16] prod: Fleet({'prod': ...}) but this function made the environments: none; write Environment(fleet, \"prod\", ...) in it",
        ),
    ),
    Mistake(
        "a function that makes its environment twice",
        (
            (
                "environments/prod.py",
                "    sentiment(env, most=9)",
                '    Environment(fleet, "prod", cluster=EKS, namespace="ml-prod")\n    sentiment(env, most=9)',
            ),
        ),
        (
            "environments/prod.py:13: error[X02] prod: name='prod' but the environment of this name at environments/prod.py:12 is there already; choose another name, such as \"staging\"",
        ),
    ),
    Mistake(
        "a function that makes two environments",
        (
            (
                "environments/prod.py",
                "    sentiment(env, most=9)",
                '    Environment(fleet, "qa", cluster=EKS, namespace="ml-qa")\n    sentiment(env, most=9)',
            ),
        ),
        (
            "environments/prod.py:10: error[X16] prod: Fleet({'prod': ...}) but this function made the environments: prod, qa; write Environment(fleet, \"prod\", ...) in it",
        ),
    ),
    Mistake(
        "a function that makes an environment of another name",
        (("environments/prod.py", '(fleet, "prod"', '(fleet, "production"'),),
        (
            "environments/prod.py:10: error[X16] prod: Fleet({'prod': ...}) but this function made the environments: production; write Environment(fleet, \"prod\", ...) in it",
        ),
    ),
    Mistake(
        "a fleet of something that is no function",
        (("environments/__init__.py", '"prod": prod', '"prod": "prod"'),),
        ('error: main.py:7: Fleet(environments) must be a dict of functions, such as {"prod": prod}',),
    ),
    Mistake(
        "a fleet of a list",
        (("environments/__init__.py", '{"dev": dev, "prod": prod}', "[dev, prod]"),),
        ('error: main.py:7: Fleet(environments) must be a dict of functions, such as {"prod": prod}',),
    ),
    Mistake(
        "a program that never synthesizes",
        (("main.py", "fleet.synth()\n", ""),),
        (
            "main.py:7: error[X15] main.py: fleet.synth() but main.py synthesizes no fleet; end it with one fleet.synth()",
        ),
    ),
]
