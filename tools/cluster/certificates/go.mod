module modelyard/tools/cluster/certificates

go 1.24
