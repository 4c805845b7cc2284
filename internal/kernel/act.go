package kernel

// Act is an element-wise function, numbered like graph.Activation.
type Act uint8

// The activations.
const (
	Identity    Act = iota
	ReLU            // max(x, 0)
	ReLU6           // min(max(x, 0), 6)
	Swish           // x·σ(x)
	HardSwish       // x·ReLU6(x+3)/6
	Sigmoid         // σ(x) = 1/(1+e^-x)
	HardSigmoid     // ReLU6(x+3)/6
)

// Activate sets dst[i] = a(src[i]) for all i < len(src). dst may be src.
func Activate[T Float](dst, src []T, a Act) {
	dst = dst[:len(src)]
	if d, ok := any(dst).([]float32); ok && activateAsm(d, any(src).([]float32), a) {
		return
	}
	activateGeneric(dst, src, a)
}
