// pulumi-resource-kubernetes: the official provider's package under a main of our own,
// because the module's own main is not importable. The two JSON files lie in the provider's
// module; the build copies them here.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

// version is set by the linker.
var version string

func main() {
	provider.Serve("kubernetes", version, schema, terraformMapping)
}
