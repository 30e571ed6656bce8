// Kueue's controllers, webhooks and scheduler in one program, with what a cluster has by default.
//
// Kueue's own main wants the certificates of its metrics in a folder below /etc, and shows the state of its queues
// on all interfaces; here is no metrics server and nothing that shows queues.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	autoscaling "k8s.io/autoscaler/cluster-autoscaler/apis/provisioningrequest/autoscaling.x-k8s.io/v1"
	"k8s.io/client-go/discovery"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	configapi "sigs.k8s.io/kueue/apis/config/v1beta2"
	kueuev1beta1 "sigs.k8s.io/kueue/apis/kueue/v1beta1"
	kueue "sigs.k8s.io/kueue/apis/kueue/v1beta2"
	qcache "sigs.k8s.io/kueue/pkg/cache/queue"
	schdcache "sigs.k8s.io/kueue/pkg/cache/scheduler"
	"sigs.k8s.io/kueue/pkg/config"
	"sigs.k8s.io/kueue/pkg/constants"
	"sigs.k8s.io/kueue/pkg/controller/core"
	"sigs.k8s.io/kueue/pkg/controller/core/indexer"
	"sigs.k8s.io/kueue/pkg/controller/jobframework"
	_ "sigs.k8s.io/kueue/pkg/controller/jobs"
	"sigs.k8s.io/kueue/pkg/controller/tas"
	tasindexer "sigs.k8s.io/kueue/pkg/controller/tas/indexer"
	"sigs.k8s.io/kueue/pkg/scheduler"
	"sigs.k8s.io/kueue/pkg/util/kubeversion"
	"sigs.k8s.io/kueue/pkg/webhooks"
)

func main() {
	file := flag.String("config", "", "Kueue's configuration")
	flag.Parse()
	ctrl.SetLogger(zap.New())
	if err := run(ctrl.SetupSignalHandler(), *file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string) error {
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	options, cfg, err := config.Load(scheme, file)
	if err != nil {
		return err
	}
	mgr, err := ctrl.NewManager(ctrl.GetConfigOrDie(), options)
	if err != nil {
		return err
	}
	cache := schdcache.New(mgr.GetClient())
	queues := qcache.NewManager(mgr.GetClient(), cache)
	if err := setUpJobs(ctx, mgr, cache, queues, &cfg); err != nil {
		return err
	}
	if failed, err := webhooks.Setup(mgr); err != nil {
		return fmt.Errorf("webhook of %s: %w", failed, err)
	}
	if err := mgr.AddReadyzCheck("readyz", mgr.GetWebhookServer().StartedChecker()); err != nil {
		return err
	}
	go queues.CleanUpOnContext(ctx)
	go cache.CleanUpOnContext(ctx)
	admission := scheduler.New(queues, cache, mgr.GetClient(), mgr.GetEventRecorderFor(constants.AdmissionName))
	if err := mgr.Add(admission); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	add := []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, schedulingv1.AddToScheme, kueue.AddToScheme, kueuev1beta1.AddToScheme,
		configapi.AddToScheme, autoscaling.AddToScheme,
	}
	for _, one := range add {
		if err := one(scheme); err != nil {
			return nil, err
		}
	}
	return scheme, jobframework.ForEachIntegration(func(_ string, kind jobframework.IntegrationCallbacks) error {
		if kind.AddToScheme == nil {
			return nil
		}
		return kind.AddToScheme(scheme)
	})
}

// setUpJobs starts what watches queues, and the Jobs that wait in them.
func setUpJobs(
	ctx context.Context, mgr ctrl.Manager, cache *schdcache.Cache, queues *qcache.Manager, cfg *configapi.Configuration,
) error {
	kinds := jobframework.WithEnabledFrameworks(cfg.Integrations.Frameworks)
	index := mgr.GetFieldIndexer()
	for _, err := range []error{
		indexer.Setup(ctx, index), tasindexer.SetupIndexes(ctx, index), jobframework.SetupIndexes(ctx, index, kinds),
	} {
		if err != nil {
			return err
		}
	}
	if failed, err := core.SetupControllers(mgr, queues, cache, cfg); err != nil {
		return fmt.Errorf("controller of %s: %w", failed, err)
	}
	if failed, err := tas.SetupControllers(mgr, queues, cache, cfg); err != nil {
		return fmt.Errorf("controller of %s: %w", failed, err)
	}
	client, err := discovery.NewDiscoveryClientForConfig(mgr.GetConfig())
	if err != nil {
		return err
	}
	version := kubeversion.NewServerVersionFetcher(client)
	if err := version.FetchServerVersion(); err != nil {
		return err
	}
	namespaces, err := metav1.LabelSelectorAsSelector(cfg.ManagedJobsNamespaceSelector)
	if err != nil {
		return err
	}
	return jobframework.SetupControllers(
		ctx, mgr, ctrl.Log,
		kinds,
		jobframework.WithManageJobsWithoutQueueName(cfg.ManageJobsWithoutQueueName),
		jobframework.WithWaitForPodsReady(cfg.WaitForPodsReady),
		jobframework.WithKubeServerVersion(version),
		jobframework.WithManagerName(constants.KueueName),
		jobframework.WithManagedJobsNamespaceSelector(namespaces),
		jobframework.WithCache(cache),
		jobframework.WithQueues(queues),
	)
}
