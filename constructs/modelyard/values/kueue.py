"""The labels and annotations that Kueue reads on what waits in its queues."""

from __future__ import annotations

PREFIX = "kueue.x-k8s.io/"
QUEUE = f"{PREFIX}queue-name"
"""The LocalQueue."""
PRIORITY = f"{PREFIX}priority-class"
"""Which of its WorkloadPriorityClasses orders a workload; another one may take its place while that runs."""
MOST_TIME = f"{PREFIX}max-exec-time-seconds"
"""How long it may run, all of its starts together."""
LEAST = f"{PREFIX}job-min-parallelism"
"""How few pods of a Job are enough to start with."""
