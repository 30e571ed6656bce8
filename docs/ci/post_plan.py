"""Post the output of ``modelyard plan --format markdown`` as the one comment of its kind, edited in place."""

from __future__ import annotations

import json
import os
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

MARK = "<!-- modelyard plan -->"
NOTHING = f"{MARK}\n**Plan: nothing changes**"
PAGES, PER_PAGE = 50, 100
PATIENCE = 30


def forge() -> tuple[str, str, str, dict[str, str]]:
    """Return where comments are listed and made, where one is edited, with which method, and the headers."""
    if "GITHUB_REPOSITORY" in os.environ:
        issues = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
        headers = {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
        return f"{issues}/{int(os.environ['PULL_REQUEST'])}/comments", f"{issues}/comments", "PATCH", headers
    project = urllib.parse.quote(os.environ["CI_PROJECT_ID"], safe="")
    request = int(os.environ["CI_MERGE_REQUEST_IID"])
    notes = f"{os.environ['CI_API_V4_URL']}/projects/{project}/merge_requests/{request}/notes"
    return notes, notes, "PUT", {"PRIVATE-TOKEN": os.environ["MODELYARD_TOKEN"]}


def ask(method: str, url: str, headers: dict[str, str], body: str | None = None) -> Any:
    """Return what the forge answers."""
    data = None if body is None else json.dumps({"body": body}).encode()
    request = urllib.request.Request(  # noqa: S310 # the address that the forge itself gives to its jobs
        url, data, {**headers, "Content-Type": "application/json", "User-Agent": "modelyard"}, method=method
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        return json.load(answer)


def main() -> None:
    """Edit the comment that is there, or make one; where nothing changes and nothing was said, say nothing."""
    body = Path(sys.argv[1]).read_text(encoding="utf-8")
    comments, edit, method, headers = forge()
    for page in range(1, PAGES + 1):
        found = ask("GET", f"{comments}?per_page={PER_PAGE}&page={page}", headers)
        former = next((one for one in found if (one.get("body") or "").startswith(MARK)), None)
        if former is not None:
            if former["body"].strip() != body.strip():
                ask(method, f"{edit}/{former['id']}", headers, body)
            return
        if len(found) < PER_PAGE:
            break
    if not body.startswith(NOTHING):
        ask("POST", comments, headers, body)


if __name__ == "__main__":
    main()
