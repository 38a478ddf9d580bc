//go:build tools

// Keeps kubectl, which no package here imports, in go.mod.
package tools

import _ "k8s.io/kubernetes/cmd/kubectl"
