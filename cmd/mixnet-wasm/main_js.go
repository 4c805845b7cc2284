package main

import (
	"encoding/json"
	"errors"
	"strings"
	"syscall/js"
)

// main waits for calls of mixnetOpen(weights) and mixnetLook(picture, score),
// whose files are Uint8Arrays. Both return JSON text, which has a member "error"
// if something is wrong.
func main() {
	var l *looker
	define("mixnetOpen", func(args []js.Value) (any, error) {
		file, err := content(args)
		if err != nil {
			return nil, err
		}
		l, err = open(file)
		return struct{}{}, err
	})
	define("mixnetLook", func(args []js.Value) (any, error) {
		file, err := content(args)
		if err != nil {
			return nil, err
		}
		score := 0.0
		if len(args) > 1 {
			score = args[1].Float()
		}
		return l.look(file, score)
	})
	select {}
}

func define(name string, f func([]js.Value) (any, error)) {
	js.Global().Set(name, js.FuncOf(func(_ js.Value, args []js.Value) any {
		result, err := f(args)
		if err != nil {
			result = map[string]string{"error": err.Error()}
		}
		var text strings.Builder
		if err := json.NewEncoder(&text).Encode(result); err != nil {
			return `{"error":"the answer is not a number"}`
		}
		return text.String()
	}))
}

// content returns the bytes of the first argument.
func content(args []js.Value) ([]byte, error) {
	if len(args) == 0 || !args[0].InstanceOf(js.Global().Get("Uint8Array")) {
		return nil, errors.New("want a Uint8Array")
	}
	b := make([]byte, args[0].Length())
	js.CopyBytesToGo(b, args[0])
	return b, nil
}
