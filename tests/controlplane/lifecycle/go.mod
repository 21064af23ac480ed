module appop.example/controlplane/lifecycle

go 1.26.0
