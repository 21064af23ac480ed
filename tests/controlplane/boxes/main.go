// Command boxes is an operator as people write them with controller-runtime: a client for the tests
// of API servers. It has a manager with a cache and leader election; its reconciler uses finalizers,
// owner references, server-side apply, a status, events, a watch of metadata and an index.
package main

import (
	"flag"
	"os"

	"github.com/go-logr/logr/funcr"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

func main() {
	namespace := flag.String("namespace", "default", "where Boxes are looked after, and the lease is")
	flag.Parse()
	log := funcr.New(func(prefix, args string) { println(prefix, args) }, funcr.Options{})
	ctrl.SetLogger(log)
	if err := run(*namespace); err != nil {
		log.Error(err, "it ends")
		os.Exit(1)
	}
}

func run(namespace string) error {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	addToScheme(scheme)
	manager, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Scheme:                        scheme,
		Cache:                         cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}},
		Metrics:                       metricsserver.Options{BindAddress: "0"},
		LeaderElection:                true,
		LeaderElectionID:              "boxes",
		LeaderElectionNamespace:       namespace,
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return err
	}
	context := ctrl.SetupSignalHandler()
	if err := setUp(context, manager); err != nil {
		return err
	}
	return manager.Start(context)
}
