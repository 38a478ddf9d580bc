// Package policies enforces the cluster's NetworkPolicies in the node's packet filter. It uses only kube-router's controller for
// NetworkPolicies.
package policies

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// Main is the program.
func Main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the cluster")
	node := flag.String("node", "", "the node whose pods are guarded")
	serviceCIDR := flag.String("service-cidr", "", "the Services' addresses")
	health := flag.String("health", "", "where /healthz is served")
	flag.Parse()
	if err := run(*kubeconfig, *node, *serviceCIDR, *health); err != nil {
		log.Fatal(err)
	}
}

func run(kubeconfig, node, serviceCIDR, health string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	settings, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(settings)
	if err != nil {
		return err
	}
	informers := informers.NewSharedInformerFactory(client, 0)
	pods := informers.Core().V1().Pods().Informer()
	namespaces := informers.Core().V1().Namespaces().Informer()
	policies := informers.Networking().V1().NetworkPolicies().Informer()

	config := options.NewKubeRouterConfig()
	config.EnableIPv4 = true
	config.HostnameOverride = node
	config.ClusterIPCIDRs = []string{serviceCIDR}
	// Restores rules that another program has removed from the packet filter.
	config.IPTablesSyncPeriod = time.Minute
	iptables, ipsets, err := netpol.NewIPTablesHandlers(config)
	if err != nil {
		return err
	}
	controller, err := netpol.NewNetworkPolicyController(client, config, pods, policies, namespaces, &sync.Mutex{}, iptables, ipsets)
	if err != nil {
		return err
	}
	for informer, handler := range map[cache.SharedIndexInformer]cache.ResourceEventHandler{
		pods:       controller.PodEventHandler,
		namespaces: controller.NamespaceEventHandler,
		policies:   controller.NetworkPolicyEventHandler,
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	informers.Start(ctx.Done())
	informers.WaitForCacheSync(ctx.Done())

	var running sync.WaitGroup
	running.Add(1)
	synced := make(chan *healthcheck.ControllerHeartbeat)
	go controller.Run(synced, ctx.Done(), &running)
	<-synced
	go serveHealth(health)
	for {
		select {
		case <-synced:
		case <-ctx.Done():
			running.Wait()
			return nil
		}
	}
}

func serveHealth(address string) {
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	log.Fatal(http.ListenAndServe(address, nil))
}
