//go:build tools

// Keeps the command that is built from here, which no package here imports, in go.mod.
package tools

import _ "sigs.k8s.io/kwok/cmd/kwok"
