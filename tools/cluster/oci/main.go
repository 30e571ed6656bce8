// A registry of OCI artifacts, as the command of CNCF Distribution starts it.
//
// Distribution's own main also links the clients of three clouds' object stores, which are half of it and not needed
// here: what is pushed stays in memory.
package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
)

func main() {
	if registry.RootCmd.Execute() != nil {
		os.Exit(1)
	}
}
