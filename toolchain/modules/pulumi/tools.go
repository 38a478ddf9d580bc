//go:build tools

// Keeps the Pulumi CLI, which no package here imports, in go.mod.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
