// Reads YAML the way the API server does, for tests/test_exact_yaml.py; tests/readers.py builds it.
module modelyard/tests/goyaml

go 1.26

require sigs.k8s.io/yaml v1.6.0

require go.yaml.in/yaml/v2 v2.4.4 // indirect
