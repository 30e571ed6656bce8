"""What the team runs, each defined once; what differs between environments is an argument."""

from datetime import timedelta

from modelyard import (
    Claim,
    ConfigFiles,
    CpuScale,
    Drain,
    Environment,
    Gpu,
    HttpGet,
    Port,
    ScalableModelService,
    Schedule,
    SecretKey,
    TrainingJob,
    days,
    hours,
    minutes,
    seconds,
)


def sentiment(env: Environment, *, scale: CpuScale) -> None:
    """Tell how customers feel: a small classifier on CPU."""
    ScalableModelService(
        env,
        "sentiment",
        image=env.image("sentiment"),
        port=5000,
        cpu="500m",
        memory="1Gi",
        scale=scale,
        health="/healthz",
        config=ConfigFiles("/etc/sentiment", {"labels.yaml": "labels: [negative, neutral, positive]\n"}),
    )


def churn(env: Environment, *, scale: CpuScale, threshold: str) -> None:
    """Predict who is about to leave: gradient boosting on CPU, features from the warehouse."""
    ScalableModelService(
        env,
        "churn-api",
        image=env.image("churn-api"),
        port=[Port("http", 8080, service=80), Port("metrics", 9090)],
        cpu=2,
        memory="4Gi",
        scale=scale,
        health=HttpGet("/v2/health/live"),
        ready=HttpGet("/v2/health/ready"),
        start_within=minutes(2),
        env={"THRESHOLD": threshold, "WAREHOUSE_DSN": SecretKey("warehouse", "dsn")},
    )


def support_chat(env: Environment, *, replicas: int) -> None:
    """Answer support questions: an 8B language model on one L4 a replica."""
    ScalableModelService(
        env,
        "support-chat",
        image=env.image("vllm"),
        args=["--model", "/models/support-8b", "--max-model-len", "16384"],
        port=8000,
        gpu=Gpu("l4"),
        cpu=4,
        memory="24Gi",
        replicas=replicas,
        health="/health",
        start_within=minutes(15),
        drain=Drain(delay=seconds(15), finish=minutes(2)),
        volumes=[Claim("models", "/models", read_only=True, access_mode="ReadOnlyMany")],
    )


def sentiment_train(env: Environment, *, gpus: int) -> None:
    """Fine-tune the sentiment classifier on the labels of the last quarter."""
    TrainingJob(
        env,
        "sentiment-train",
        image=env.image("sentiment-train"),
        command=["python", "train.py"],
        gpu=Gpu("l4", gpus),
        cpu=8,
        memory="32Gi",
        retries=3,
        deadline=hours(6),
        env={"WANDB_API_KEY": SecretKey("wandb", "api-key"), "EPOCHS": "4"},
    )


def churn_train(env: Environment, *, deadline: timedelta, schedule: Schedule | None = None) -> None:
    """Fit the churn model again: CPU only, the result goes to the registry."""
    TrainingJob(
        env,
        "churn-train",
        image=env.image("churn-train"),
        command=["python", "-m", "churn.train"],
        cpu=8,
        memory="32Gi",
        deadline=deadline,
        schedule=schedule,
        env={"WAREHOUSE_DSN": SecretKey("warehouse", "dsn")},
    )


def support_tune(env: Environment) -> None:
    """Tune the support model on eight H100s of one node, with checkpoints on a shared volume."""
    TrainingJob(
        env,
        "support-tune",
        image=env.image("support-tune"),
        command=["torchrun", "--standalone", "--nproc-per-node=8", "tune.py"],
        gpu=Gpu("h100", 8),
        cpu=96,
        memory="1Ti",
        shared_memory="200Gi",
        retries=5,
        deadline=hours(48),
        grace=minutes(5),
        volumes=[
            Claim("datasets", "/data", read_only=True, access_mode="ReadOnlyMany"),
            Claim(
                "support-checkpoints",
                "/checkpoints",
                size="2Ti",
                storage_class="filestore-rwx",
                access_mode="ReadWriteMany",
            ),
        ],
    )


def search_embed(env: Environment) -> None:
    """Train the embedding model of the search on sixteen H100s of two nodes."""
    TrainingJob(
        env,
        "search-embed",
        image=env.image("search-embed"),
        command=["torchrun", "embed.py", "--resume", "/checkpoints"],
        nodes=2,
        gpu=Gpu("h100", 8),
        cpu=96,
        memory="1Ti",
        retries=5,
        deadline=days(4),
        grace=minutes(5),
        env={"NCCL_DEBUG": "WARN"},
        volumes=[
            Claim("datasets", "/data", read_only=True, access_mode="ReadOnlyMany"),
            Claim(
                "search-checkpoints",
                "/checkpoints",
                size="1Ti",
                storage_class="filestore-rwx",
                access_mode="ReadWriteMany",
            ),
        ],
        accept={"J18": "support-tune takes one of the four H100 nodes, so there are always two left"},
    )
