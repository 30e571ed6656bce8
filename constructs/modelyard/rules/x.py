"""X: what concerns modelyard's own promises: identity, exactness, the user's Python, and `dist/`."""

from __future__ import annotations

from modelyard.rules.rule import Rule

X02 = Rule(
    "X02",
    "No two objects, workloads or environments have one identity.",
    why="Of two objects of one kind, namespace and name the later one silently overwrites the earlier one.",
    fix="give one of the two another name",
    see="https://kubernetes.io/docs/concepts/overview/working-with-objects/names/",
)
X04 = Rule(
    "X04",
    "Every kind that is rendered exists in the cluster.",
    why='The sync fails with "no matches for kind", and everything after it waits.',
    fix="declare the definition: Cluster(installed=[Crd.KEDA]), or Crd.from_file(...) for one that is not bundled",
    see="https://kubernetes.io/docs/reference/using-api/deprecation-guide/",
)
X05 = Rule(
    "X05",
    "Every object fits the strict schema of the cluster's Kubernetes version.",
    why="The API server refuses it, or drops the unknown field and the setting has no effect.",
    fix="correct the field",
    see="https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation",
)
X06 = Rule(
    "X06",
    "In a folder that a GitOps controller reads lies nothing that modelyard did not write.",
    why="Argo CD and Flux apply every manifest below their path, so this file would reach the cluster unchecked.",
    fix="move it out of dist/, and bring it in with cdk8s.Include to have it checked",
    see="https://argo-cd.readthedocs.io/en/stable/user-guide/directory/",
)
X07 = Rule(
    "X07",
    "A generated file is not edited by hand.",
    why="The next synthesis would silently lose the edit.",
    fix="say it in Python (every object takes add_json_patch), then run modelyard synth --force to drop the edit",
    see="https://opengitops.dev/",
)
X08 = Rule(
    "X08",
    "Every value can be written so that Kubernetes reads exactly that value.",
    why="A number of more than 53 bits that passes through Node, NaN, or half a character arrives as something else.",
    fix="write a value that JSON can hold, large numbers as strings",
    see="https://kubernetes.io/docs/reference/using-api/api-concepts/",
)
X09 = Rule(
    "X09",
    "A finding is accepted by its id, with a reason, and only where it is needed.",
    why="An acceptance that outlives its cause hides the next real finding.",
    fix="remove the acceptance",
    see="https://kubernetes.io/docs/concepts/security/pod-security-admission/#exemptions",
)
X10 = Rule(
    "X10",
    "The Python of the environments runs without an exception.",
    why="Nothing can be rendered from a program that did not finish.",
    fix="mend the Python",
    see="https://docs.python.org/3/tutorial/errors.html",
)
X11 = Rule(
    "X11",
    "Every option is given a value of its type, in a combination that has a meaning.",
    why="A value that nothing can be made of would be dropped or crash later, far from its line.",
    fix="pass what the option takes",
    see="https://docs.python.org/3/library/typing.html",
)
X12 = Rule(
    "X12",
    "Only options that exist are given, and all that are required.",
    why="A misspelt option would be ignored, and the workload would run without it.",
    fix="correct the name of the option",
    see="https://docs.python.org/3/tutorial/controlflow.html#keyword-arguments",
)
X13 = Rule(
    "X13",
    "Every image that is asked for by name stands in the environment's lock file.",
    why="Without an entry nobody has decided which image this environment runs.",
    fix="pin it with modelyard images pin",
    see="https://kubernetes.io/docs/concepts/containers/images/",
)
X14 = Rule(
    "X14",
    "A JSON patch names one object that the workload renders, and applies to it.",
    why="A patch that hits nothing is a change that somebody believes in and that is not there.",
    fix="compare it with the YAML in dist/",
    see="https://datatracker.ietf.org/doc/html/rfc6902",
)
X15 = Rule(
    "X15",
    "main.py and the modules it imports can be read by Python, and main.py synthesizes one fleet.",
    why="Nothing can be rendered from a program that does not start.",
    fix="mend the Python",
    see="https://docs.python.org/3/tutorial/modules.html",
)
X16 = Rule(
    "X16",
    "The function of an environment makes the one environment of its name.",
    why="Environments are rendered side by side, each by its own function, and found by its name.",
    fix="give the Environment the name that stands in the dict of Fleet(...)",
    see="https://docs.python.org/3/tutorial/datastructures.html#dictionaries",
)
X17 = Rule(
    "X17",
    "No two files in dist/ have paths that differ only in case.",
    why="On macOS and Windows one of the two is lost in a checkout, and the next commit deletes it.",
    fix="rename one of the two objects",
    see="https://git-scm.com/docs/git-config#Documentation/git-config.txt-coreignoreCase",
)
X18 = Rule(
    "X18",
    "Constructs that are not modelyard's own stand in an environment, and pass cdk8s' synthesis.",
    why="cdk8s found the construct to be wrong, and would write nothing; a chart elsewhere would be left out silently.",
    fix="mend the construct as cdk8s says, and give it a scope in an environment",
    see="https://cdk8s.io/docs/latest/basics/app/",
)
