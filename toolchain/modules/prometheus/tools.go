//go:build tools

// Keeps the commands that are built from here, which no package here imports, in go.mod.
package tools

import (
	_ "github.com/prometheus/prometheus/cmd/prometheus"
	_ "github.com/prometheus/prometheus/cmd/promtool"
)
