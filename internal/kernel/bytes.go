package kernel

// Normalize sets dst to (src/255 - mean)/std, channel by channel, for pixels
// of len(mean) bytes.
func Normalize(dst []float32, src []uint8, mean, std []float32) {
	c := len(mean)
	src = src[:len(dst)]
	for i, m := range mean {
		scale := 1 / (255 * std[i])
		shift := -m / std[i]
		for j := i; j < len(src); j += c {
			dst[j] = float32(src[j])*scale + shift
		}
	}
}
