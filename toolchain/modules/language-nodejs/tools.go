//go:build tools

// Keeps the command that is built from here, which no package here imports, in go.mod.
package tools

import _ "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"
