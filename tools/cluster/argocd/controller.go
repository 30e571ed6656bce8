package main

import (
	"fmt"
	"time"

	controllercommand "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	cmdutil "github.com/argoproj/argo-cd/v3/cmd/util"
	commitclient "github.com/argoproj/argo-cd/v3/commitserver/apiclient"
	"github.com/argoproj/argo-cd/v3/controller"
	"github.com/argoproj/argo-cd/v3/controller/sharding"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	appclientset "github.com/argoproj/argo-cd/v3/pkg/client/clientset/versioned"
	"github.com/argoproj/argo-cd/v3/pkg/ratelimiter"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	cacheutil "github.com/argoproj/argo-cd/v3/util/cache"
	appstatecache "github.com/argoproj/argo-cd/v3/util/cache/appstate"
	"github.com/argoproj/argo-cd/v3/util/cli"
	kubeutil "github.com/argoproj/argo-cd/v3/util/kube"
	"github.com/argoproj/argo-cd/v3/util/settings"
	"github.com/argoproj/argo-cd/v3/util/tls"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// newController returns Argo CD's own command with all its flags and their defaults. Only what it runs is written
// anew: Argo CD fixes the interface of its counters to all there are, and nothing but the controller itself, which
// its command keeps to itself, can be told another.
func newController() *cobra.Command {
	command := controllercommand.NewCommand()
	command.RunE = func(c *cobra.Command, _ []string) error { return runController(c) }
	return command
}

func runController(c *cobra.Command) error {
	ctx, flags := c.Context(), values{c.Flags()}
	cli.SetLogFormat(cmdutil.LogFormat)
	cli.SetLogLevel(cmdutil.LogLevel)

	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: flags.text("kubeconfig")}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return err
	}
	if err := v1alpha1.SetK8SConfigDefaults(config); err != nil {
		return err
	}
	namespace := flags.text("namespace")
	client := kubernetes.NewForConfigOrDie(config)

	// The cache is made by the one who adds its flags: once more, and given what was given.
	twin := &cobra.Command{}
	newCache := appstatecache.AddCacheFlagsToCmd(twin)
	twin.Flags().VisitAll(func(flag *pflag.Flag) {
		if given := flags.Lookup(flag.Name); given.Changed {
			err = twin.Flags().Set(flag.Name, given.Value.String())
		}
	})
	if err != nil {
		return err
	}
	cache, err := newCache()
	if err != nil {
		return err
	}
	cache.Cache.SetClient(cacheutil.NewTwoLevelClient(cache.Cache.GetClient(), 10*time.Minute))

	var app *controller.ApplicationController
	settingsManager := settings.NewSettingsManager(ctx, client, namespace, settings.WithRepoOrClusterChangedHandler(func() {
		app.InvalidateProjectsCache()
	}))
	dynamic := flags.boolean("dynamic-cluster-distribution-enabled")
	shards, err := sharding.GetClusterSharding(client, settingsManager, flags.text("sharding-method"), dynamic)
	if err != nil {
		return err
	}
	app, err = controller.NewApplicationController(
		namespace,
		settingsManager,
		client,
		appclientset.NewForConfigOrDie(config),
		apiclient.NewRepoServerClientset(
			flags.text("repo-server"), int(flags.number("repo-server-timeout-seconds")),
			// They talk on loopback.
			tls.Configuration{DisableTLS: true},
		),
		commitclient.NewCommitServerClientset(flags.text("commit-server")),
		cache,
		kubeutil.NewKubectl(),
		flags.seconds("app-resync"),
		flags.seconds("app-hard-resync"),
		flags.seconds("app-resync-jitter"),
		flags.seconds("self-heal-timeout-seconds"),
		&wait.Backoff{
			Duration: flags.seconds("self-heal-backoff-timeout-seconds"),
			Factor:   float64(flags.number("self-heal-backoff-factor")),
			Cap:      flags.seconds("self-heal-backoff-cap-seconds"),
		},
		flags.seconds("sync-timeout"),
		flags.seconds("repo-error-grace-period-seconds"),
		int(flags.number("metrics-port")),
		flags.duration("metrics-cache-expiration"),
		flags.texts("metrics-application-labels"),
		flags.texts("metrics-application-conditions"),
		flags.texts("metrics-cluster-labels"),
		flags.number("kubectl-parallelism-limit"),
		flags.boolean("persist-resource-health"),
		shards,
		flags.texts("application-namespaces"),
		&ratelimiter.AppControllerRateLimiterConfig{
			BucketSize:      flags.number("wq-bucket-size"),
			BucketQPS:       flags.fraction("wq-bucket-qps"),
			FailureCoolDown: flags.duration("wq-cooldown-ns"),
			BaseDelay:       flags.duration("wq-basedelay-ns"),
			MaxDelay:        flags.duration("wq-maxdelay-ns"),
			BackoffFactor:   flags.fraction("wq-backoff-factor"),
		},
		flags.boolean("server-side-diff-enabled"),
		dynamic,
		normalizers.IgnoreNormalizerOpts{
			JQExecutionTimeout: flags.duration("ignore-normalizer-jq-execution-timeout-seconds"),
		},
		flags.texts("enable-k8s-event"),
		flags.boolean("hydrator-enabled"),
	)
	if err != nil {
		return err
	}
	app.GetMetricsServer().Addr = fmt.Sprintf("127.0.0.1:%d", flags.number("metrics-port"))
	app.Run(
		ctx,
		int(flags.number("status-processors")),
		int(flags.number("operation-processors")),
		int(flags.number("hydration-processors")),
	)
	return nil
}

// values reads flags, which are there: a name that is not is a mistake in this file.
type values struct{ *pflag.FlagSet }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func (v values) text(name string) string            { return v.Lookup(name).Value.String() }
func (v values) texts(name string) []string         { return must(v.GetStringSlice(name)) }
func (v values) boolean(name string) bool           { return must(v.GetBool(name)) }
func (v values) fraction(name string) float64       { return must(v.GetFloat64(name)) }
func (v values) duration(name string) time.Duration { return must(v.GetDuration(name)) }

func (v values) number(name string) int64 {
	if v.Lookup(name).Value.Type() == "int" {
		return int64(must(v.GetInt(name)))
	}
	return must(v.GetInt64(name))
}

func (v values) seconds(name string) time.Duration {
	return time.Duration(v.number(name)) * time.Second
}
