//go:build tools

// Keeps the commands that are built from here, which no package here imports, in go.mod.
package tools

import (
	_ "github.com/kedacore/keda/v2/cmd/adapter"
	_ "github.com/kedacore/keda/v2/cmd/operator"
)
