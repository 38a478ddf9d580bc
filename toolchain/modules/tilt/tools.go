//go:build tools

// Keeps the command that is built from here, which no package here imports, in go.mod.
package tools

import _ "github.com/tilt-dev/tilt/cmd/tilt"
