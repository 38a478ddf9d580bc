// node contains all programs of a node except kubectl and pause. It runs the program whose name it was called by. The programs share
// most of their code. So one binary is linked faster, and takes a ninth of the space of nine binaries in the image.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata" // for CronJobs with a time zone

	"github.com/coredns/coredns/coremain"
	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubeadm "k8s.io/kubernetes/cmd/kubeadm/app"
	kubeadmerrors "k8s.io/kubernetes/cmd/kubeadm/app/util/errors"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
	metricsserver "sigs.k8s.io/metrics-server/cmd/metrics-server/app"
	"sms/machine/kubernetes/policies"
	"sms/machine/kubernetes/storage"

	// The plugins in kubeadm's Corefile, and template, which answers the cloud's names in the rehearsal. All plugins of CoreDNS would
	// be more code than everything else here.
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/template"
)

var programs = map[string]func(){
	"coredns":        coremain.Run,
	"etcd":           func() { etcdmain.Main(os.Args) },
	"kube-apiserver": func() { run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() {
		run(controllermanager.NewControllerManagerCommand())
	},
	"kube-proxy":     func() { run(proxy.NewProxyCommand()) },
	"kube-scheduler": func() { run(scheduler.NewSchedulerCommand()) },
	"kubeadm":        func() { kubeadmerrors.HandleError(kubeadm.Run()) },
	"kubelet":        func() { run(kubelet.NewKubeletCommand(context.Background())) },
	"metrics-server": func() {
		run(metricsserver.NewMetricsServerCommand(genericapiserver.SetupSignalHandler()))
	},
	"network-policies":    policies.Main,
	"storage-provisioner": storage.Main,
}

func run(command *cobra.Command) {
	os.Exit(cli.Run(command))
}

func main() {
	name := filepath.Base(os.Args[0])
	program, isKnown := programs[name]
	if !isKnown {
		fmt.Fprintf(os.Stderr, "%s is no program of the node\n", name)
		os.Exit(1)
	}
	program()
}
