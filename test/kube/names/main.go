// Cluster DNS for tests that run whole pods: CoreDNS with the few plugins that they need.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	"os"
)

func main() {
	// The first argument is the name of the program, as with the others.
	if len(os.Args) > 1 && os.Args[1] == "coredns" {
		os.Args = append(os.Args[:1], os.Args[2:]...)
	}
	dnsserver.Directives = []string{"bind", "errors", "kubernetes"}
	coremain.Run()
}
