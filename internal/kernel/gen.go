package kernel

//go:generate sh -c "cd _gen && go run ./gemm -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel"
//go:generate sh -c "cd _gen && go run ./vec -out ../vec_amd64.s -stubs ../vec_stubs_amd64.go -pkg kernel"
//go:generate sh -c "cd _gen && go run ./cpuid -out ../../cpu/cpuid_amd64.s -stubs ../../cpu/cpuid_stubs_amd64.go -pkg cpu"
//go:generate sh -c "cd _gen && go run ./dw -out ../dw_amd64.s -stubs ../dw_stubs_amd64.go -pkg kernel"
//go:generate sh -c "cd _gen && go run ./dw3 -out ../dw3_amd64.s -stubs ../dw3_stubs_amd64.go -pkg kernel"
//go:generate sh -c "cd _gen && go run ./pool -out ../pool_amd64.s -stubs ../pool_stubs_amd64.go -pkg kernel"
//go:generate sh -c "cd _gen && go run ./q8 -out ../q8/q8_amd64.s -stubs ../q8/stubs_amd64.go -pkg q8"
//go:generate sh -c "cd _gen && go run ./bf16 -out ../bf16/bf16_amd64.s -stubs ../bf16/stubs_amd64.go -pkg bf16"
//go:generate sh -c "cd _gen && go run ./strassen -out ../strassen_amd64.s -stubs ../strassen_stubs_amd64.go -pkg kernel"
//go:generate sh -c "cd _gen && go run ./swish -out ../swish_pieces_amd64.go -pkg kernel"
//go:generate sh -c "cd _gen && go run ./update -out ../update_amd64.s -stubs ../update_stubs_amd64.go -pkg kernel"
//go:generate sh -c "cd _gen && go run ./winograd -out ../winograd_amd64.s -stubs ../winograd_stubs_amd64.go -pkg kernel"
