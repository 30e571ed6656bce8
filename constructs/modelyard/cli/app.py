"""The commands and their options."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from modelyard import crash
from modelyard.cli.words import App, Base, Environments, FailOn, Form, Format, Jobs, PlanFormat
from modelyard.findings import ModelyardError, SynthesisError

FAILED, MISUSED, STALE, INTERRUPTED = 1, 2, 3, 130
CHANGES = 1
"""As of git diff --exit-code; plan has no findings that 1 could mean otherwise."""
EPILOG = (
    "Exit codes: 0 all is well, 1 findings of severity error, 2 the command was misused, "
    "3 dist/ is not what the code renders (check only), 130 interrupted. NO_COLOR turns colours off."
)

app = typer.Typer(
    name="modelyard",
    no_args_is_help=True,
    epilog=EPILOG,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
images = typer.Typer(no_args_is_help=True, help="The images that environments run, in their lock files.")
app.add_typer(images, name="images")


@app.callback(invoke_without_command=True)
def _start(
    version: Annotated[bool, typer.Option("--version", help="Say the version and exit.")] = False,
) -> None:
    """Render machine-learning workloads as plain Kubernetes YAML, checked before a cluster sees it."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"modelyard {installed('modelyard')}")
        raise typer.Exit


@app.command()
def synth(
    environments: Environments = None,
    jobs: Jobs = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace generated files even where they were edited by hand."),
    ] = False,
    form: Form = Format.TEXT,
    main_py: App = None,
) -> None:
    """Render environments into dist/, all or nothing."""
    from modelyard.cli import show
    from modelyard.render.engine import Request, synthesize

    main = _main_py(main_py)
    with show.progress(form) as progress:
        report = synthesize(Request(main=main, only=environments or (), jobs=jobs, force=force, progress=progress))
    show.report(report, form)


@app.command()
def check(
    environments: Environments = None,
    jobs: Jobs = None,
    form: Form = Format.TEXT,
    main_py: App = None,
) -> None:
    """Render and check without writing, and tell whether dist/ is what the code renders."""
    from modelyard.cli import show
    from modelyard.render.engine import Request, synthesize

    main = _main_py(main_py)
    with show.progress(form) as progress:
        report = synthesize(Request(main=main, only=environments or (), jobs=jobs, write=False, progress=progress))
    show.freshness(report, form)
    if report.stale:
        raise typer.Exit(STALE)


@app.command()
def plan(
    environments: Environments = None,
    *,
    ref: Base = None,
    form: Annotated[
        PlanFormat,
        typer.Option("--format", help="text for people, markdown for a pull request, json for programs."),
    ] = PlanFormat.TEXT,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 if something changes.")] = False,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(
            "--fail-on",
            help="End with 1 if the API server would refuse a change, or if anything is a danger.",
            show_default=False,
        ),
    ] = None,
    main_py: App = None,
) -> None:
    """Tell what dist/ as it is does in the cluster, compared with an earlier commit."""
    from modelyard import plan as room
    from modelyard.cli import show

    found = room.plan(_main_py(main_py).resolve().parent, ref, environments or ())
    show.plan(found, form)
    if (exit_code and found.workloads) or (fail_on is not None and found.has(fail_on)):
        raise typer.Exit(CHANGES)


@app.command("list")
def list_workloads(
    environments: Environments = None,
    names: Annotated[
        bool,
        typer.Option("--environments", help="List the names of the environments, also of those without workloads."),
    ] = False,
    form: Form = Format.TEXT,
    main_py: App = None,
) -> None:
    """List the workloads by environment: replicas, GPUs, image."""
    from modelyard.cli import show
    from modelyard.render.engine import chosen, overview

    main = _main_py(main_py)
    if names:
        with show.reserved(form):
            found = chosen(main, environments or ())
        show.names(found, form)
        return
    with show.reserved(form):
        workloads = overview(main, environments or ())
    show.workloads(workloads, form)


@app.command()
def explain(
    what: Annotated[
        str,
        typer.Argument(
            metavar="RULE|ENVIRONMENT/TRAINING",
            help="The id of a rule, for example R01; all to list them. Or a training, for example prod/churn-train.",
        ),
    ],
    form: Form = Format.TEXT,
    main_py: App = None,
) -> None:
    """Tell what a rule says, why, and what to do about it; or what a training does when something goes wrong."""
    from modelyard.cli import show

    environment, slash, workload = what.partition("/")
    if not slash:
        show.rule(what)
        return
    from modelyard.render.job import job_of

    main = _main_py(main_py)
    with show.reserved(form):
        jobs, reason = job_of(main, environment, workload)
    show.outcomes(jobs, reason, form)


@app.command()
def where(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE|ENVIRONMENT[/WORKLOAD]|LINE",
            help="dist/prod/api/service.yaml, a folder of dist/, prod/api, or environments/prod.py:12.",
        ),
    ],
    form: Form = Format.TEXT,
    main_py: App = None,
) -> None:
    """Tell which line of Python an object in dist/ comes from, and which objects come from a line."""
    from modelyard.cli import show
    from modelyard.render.provenance import places

    main = _main_py(main_py)
    with show.reserved(form):
        found = places(main, what)
    show.places(found, form)


@images.command("list")
def list_images(environments: Environments = None, form: Form = Format.TEXT, main_py: App = None) -> None:
    """List the images of each environment's lock file."""
    from modelyard.cli import show
    from modelyard.images import lock_files, read

    root = _main_py(main_py).resolve().parent
    show.images({name: read(path) for name, path in lock_files(root, environments or ()).items()}, form)


@images.command()
def pin(
    environment: Annotated[str, typer.Argument(help="The environment whose lock file is changed.")],
    name: Annotated[str, typer.Argument(help="The name that env.image(...) asks for.")],
    reference: Annotated[
        str,
        typer.Argument(help="repository:tag@sha256:digest; the repository may be left out: :tag@sha256:digest"),
    ],
    main_py: App = None,
) -> None:
    """Pin an image to a tag and a digest that you give; no registry is asked."""
    from modelyard.cli import show
    from modelyard.images import change, pinned
    from modelyard.render.project import require

    main = _main_py(main_py)
    require(main, environment)
    root = main.resolve().parent
    show.changes(change(root, environment, lambda lock: pinned(lock, environment, name, reference)))


@images.command()
def promote(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORKLOAD]...",
            help="Only the images of these workloads, or of these names. Default: all that both environments have.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[str, typer.Option("--from", help="The environment that has run them.")] = "",
    target: Annotated[str, typer.Option("--to", help="The environment that is to run them.")] = "",
    main_py: App = None,
) -> None:
    """Take over the images of one environment into another's lock file."""
    from modelyard.cli import show
    from modelyard.images import change, lock_files, promoted, read
    from modelyard.render.project import require
    from modelyard.render.promotion import image_names

    if not source or not target:
        message = "say --from ENVIRONMENT and --to ENVIRONMENT"
        raise typer.BadParameter(message)
    main = _main_py(main_py)
    root = main.resolve().parent
    origin = read(lock_files(root, [source])[source])
    require(main, target)
    chosen = image_names(main, source, origin, names or ())
    show.changes(change(root, target, lambda lock: promoted(origin, lock, source, target, chosen)))


def _main_py(given: Path | None) -> Path:
    from modelyard.render.project import find

    return find(Path.cwd(), given)


def _interrupt(_signal: int, _frame: object) -> None:
    raise crash.Interrupted


def main() -> None:
    """Run the command line, and end the process with a documented exit code."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        _run()
    finally:
        _flush()
        # jsii waits for its Node at the very end, where nobody would catch an exception any more.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_DFL)


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # as of a head that has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run() -> None:
    try:
        app(standalone_mode=True)
    except crash.Interrupted:
        crash.interrupted()
        sys.exit(INTERRUPTED)
    except SynthesisError as error:
        from modelyard.cli import show

        show.failure(error, json="json" in sys.argv[1:] or "--format=json" in sys.argv[1:])
        sys.exit(FAILED)
    except ModelyardError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(MISUSED)
