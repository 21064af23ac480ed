module appop.example/controlplane/inside

go 1.26.0
