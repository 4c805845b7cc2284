module github.com/mixnet-go/mixnet

go 1.26
