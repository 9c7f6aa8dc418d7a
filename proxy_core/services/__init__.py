"""Use cases: what operators and agents can do, each as one transaction."""
