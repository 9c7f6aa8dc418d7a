// Command gobench holds what the benchmarks need outside Python: an upstream, a load generator that
// speaks CONNECT, and the proxy that a Go writer would get from the standard library.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: gobench upstream|proxy|load [flags]")
		os.Exit(2)
	}
	commands := map[string]func([]string) error{"upstream": upstream, "proxy": proxy, "load": load}
	run, ok := commands[os.Args[1]]
	if !ok {
		fmt.Fprintln(os.Stderr, "unknown command", os.Args[1])
		os.Exit(2)
	}
	if err := run(os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
