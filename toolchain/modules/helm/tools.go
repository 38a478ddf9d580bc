//go:build tools

// Keeps the command that is built from here, which no package here imports, in go.mod.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
