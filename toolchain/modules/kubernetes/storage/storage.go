// Package storage gives the one-node cluster its default StorageClass: each
// PersistentVolumeClaim gets a folder under -directory, removed again with its volume.
package storage

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const provisionerName = "sms.machine/folder"

type folders struct{ directory string }

func (f folders) path(volume string) string { return filepath.Join(f.directory, volume) }

// Provision makes the folder. A hostPath volume ignores the pod's fsGroup, so any user may write.
func (f folders) Provision(_ context.Context, options controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	path := f.path(options.PVName)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	kind := v1.HostPathDirectory
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			Capacity:                      options.PVC.Spec.Resources.Requests,
			PersistentVolumeSource: v1.PersistentVolumeSource{
				HostPath: &v1.HostPathVolumeSource{Path: path, Type: &kind},
			},
		},
	}, controller.ProvisioningFinished, nil
}

func (f folders) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	if volume.Spec.HostPath == nil || volume.Spec.HostPath.Path != f.path(volume.Name) {
		return fmt.Errorf("%s is not a folder under %s", volume.Name, f.directory)
	}
	return os.RemoveAll(f.path(volume.Name))
}

// Main is the program.
func Main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the cluster")
	directory := flag.String("directory", "", "where the volumes' folders are made")
	flag.Parse()
	if *kubeconfig == "" || !filepath.IsAbs(*directory) {
		log.Fatal("storage-provisioner needs -kubeconfig and an absolute -directory")
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	controller.NewProvisionController(ctx, client, provisionerName, folders{*directory}, controller.LeaderElection(false)).Run(ctx)
}
