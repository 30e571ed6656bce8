"""Why modelyard refuses what samples show and the API server takes: by kind and rule, or by file and rule."""

from __future__ import annotations

from collections.abc import Mapping

ROLLOUTS = "github.com/argoproj/argo-rollouts/examples"
KSERVE = "github.com/kserve/kserve/docs/samples"
KUBERAY = "github.com/ray-project/kuberay/ray-operator/config/samples"
KUBERNETES = "k8s.io/kubernetes"
LWS = "sigs.k8s.io/lws"
VOLCANO = "volcano.sh/volcano/example/invalid_jobs"

TOGETHER = (
    f"{ROLLOUTS}/a*",
    "github.com/prometheus-operator/prometheus-operator/example/*",
    f"{KUBERNETES}/cluster/addons/*",
    f"{KUBERNETES}/test/e2e/testing-manifests/*",
)
"""Folders whose files are applied at once; every other file is looked at by itself."""

PRUNED = "who applies it by hand deletes it by hand; a controller prunes it, with all that it holds"
NAMELESS = "kubectl create makes another one of it each time; what stands in git has a name"
ELSEWHERE = "what it leads to is not shown with it"
PLACEHOLDER = "it stands for a name that the reader fills in"
ONE_SLICE = "nothing keeps the pods of one of its groups on one slice where the cluster has two of this shape"

OF_KINDS: Mapping[str, Mapping[str, str]] = {
    "CustomResourceDefinition": {"G05": PRUNED},
    "Namespace": {"G05": PRUNED},
    "PersistentVolume": {"G05": PRUNED},
    "PersistentVolumeClaim": {"G05": PRUNED},
    "Job": {"N01": NAMELESS},
    "RayJob": {"N01": NAMELESS},
    "Secret": {"V19": "a sample's password is nobody's; in git it would be everybody's"},
    "InferenceService": {
        "E03": "whether KServe makes a Deployment of it or asks Knative is left to how a cluster is configured",
        "E06": "KServe's webhook writes what is left open into it, and what stands in git would be other than what runs",
        "E09": "KServe's webhook moves it elsewhere, and what stands in git would be other than what runs",
    },
}
"""By kind and rule: why every sample of it that meets the rule is refused."""

EXPLAINED: Mapping[str, Mapping[str, str]] = {
    f"{ROLLOUTS}/apisix/rollout.yaml": {"D18": "Argo Rollouts refuses a step of two kinds, in the Rollout's status"},
    f"{ROLLOUTS}/rollout-*analysis*.yaml": {"D19": "its AnalysisTemplate stands in another file"},
    "github.com/prometheus-operator/prometheus-operator/example/shards/prometheus-service.yaml": {
        "D12": "it selects a label of the Prometheus, and the pods have its name, which is another"
    },
    f"{KSERVE}/multimodelserving/sklearn/inferenceservice.yaml": {"E07": "KServe names its container itself"},
    f"{KSERVE}/multimodelserving/triton/minio.yaml": {"D12": "its Deployment is of a version that is gone"},
    f"{KSERVE}/rollout-strategy/rollout-strategy-example.yaml": {"E07": "KServe serves with one of the two it says"},
    f"{KSERVE}/v1beta1/transformer/feast/*.yaml": {"P02": PLACEHOLDER},
    f"{KUBERAY}/ingress-rayclient-tls.yaml": {"H01": ELSEWHERE},
    f"{KUBERAY}/ray-cluster-a*.yaml": {"H01": ELSEWHERE},
    f"{KUBERAY}/vllm/ray-service.vllm-tpu-v6e-singlehost.yaml": {"N19": PLACEHOLDER, "P02": PLACEHOLDER},
    f"{KUBERNETES}/test/e2e/testing-manifests/guestbook/*.yaml": {"D12": "its pods are in templates of another kind"},
    "sigs.k8s.io/gateway-api/examples/*.yaml": {"H01": ELSEWHERE},
    "sigs.k8s.io/kueue/cmd/kueueviz/examples/*.yaml": {"J23": "each sync would suspend again what Kueue has resumed"},
    f"{LWS}/config/samples/hpaexample.yaml": {"A20": "its LeaderWorkerSet stands in another file"},
    f"{LWS}/config/samples/leaderworkerset_tpu.yaml": {"R27": ONE_SLICE},
    f"{LWS}/docs/examples/sample/horizontal-pod-autoscaler.yaml": {"A20": "its LeaderWorkerSet stands in another file"},
    f"{LWS}/docs/examples/tensorrt-llm/lws.yaml": {"P02": PLACEHOLDER},
    f"{LWS}/docs/examples/vllm/TPU/lws.yaml": {"R27": ONE_SLICE},
    f"{VOLCANO}/duplicatedPolicyEvent-webhook-deny.yaml": {"K11": "Volcano's webhook refuses it, as its name says"},
    f"{VOLCANO}/duplicatedTaskName-webhook-deny.yaml": {"K10": "Volcano's webhook refuses it, as its name says"},
    f"{VOLCANO}/minAvailable-webhook-deny.yaml": {"K09": "Volcano's webhook refuses it, as its name says"},
}
"""By a pattern of files and rule: why these are refused."""
