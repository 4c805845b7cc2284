package recipe

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/internal/near"
)

// Set changes one setting, given as its key in a recipe's file, dotted below a
// table, and its value: "optimizer.momentum=0.95", "freeze=conv_stem,blocks.0",
// "augment.area=0.25,1". The value holds whatever Fit says: a rate no longer
// follows the number of images, nor is it chosen from a grid, and a batch is
// not made smaller. Another kind of optimizer or schedule comes with its usual
// values. The error wraps [ErrRecipe] and names the key.
func (r *Recipe) Set(assignment string) error {
	key, value, ok := strings.Cut(assignment, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if !ok {
		return fmt.Errorf("%w: %q: want KEY=VALUE, such as optimizer.momentum=0.95", ErrRecipe, assignment)
	}
	changed := *r
	v := field(reflect.ValueOf(&changed).Elem(), key)
	if !v.IsValid() {
		return unknownKey(key)
	}
	if err := assign(v, value); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrRecipe, key, err)
	}
	if err := changed.checkZero(key); err != nil {
		return err
	}
	changed.settle(key, r)
	*r = changed
	return nil
}

// settle makes the setting at key hold, and drops what was said of the kind
// that it replaces.
func (r *Recipe) settle(key string, before *Recipe) {
	switch key {
	case "batch":
		r.Fit.EpochSteps = 0
	case "epochs":
		r.Fit.Steps, r.Fit.MinEpochs, r.Fit.MaxEpochs = 0, 0, 0
	case "accumulate":
		r.Fit.Part = 0
	case "norm_momentum":
		r.Fit.NormSteps = 0
	case "schedule.lr":
		r.Fit.LRImages, r.Fit.LRSet, r.Grid = 0, 0, Grid{}
	case "optimizer.weight_decay":
		r.Grid = Grid{}
	case "optimizer.kind":
		if o := r.Optimizer; o.Kind != before.Optimizer.Kind {
			r.Optimizer = Optimizer{Kind: o.Kind, WeightDecay: o.WeightDecay, Clip: o.Clip, LayerDecay: o.LayerDecay}
		}
	case "schedule.kind":
		if s := r.Schedule; s.Kind != before.Schedule.Kind {
			r.Schedule = Schedule{Kind: s.Kind, LR: s.LR, Warmup: s.Warmup}
		}
	case "detection.kind":
		if d := r.Detection; d.Kind != before.Detection.Kind {
			r.Detection = detect.LossConfig{Kind: d.Kind, BoxWeight: d.BoxWeight}
		}
	case "sizes":
		if len(r.Pixels) == 0 {
			r.Sizes = Sizes{}
		}
	}
}

// checkZero reports a setting at key of 0, or of nothing, that would be taken
// for the usual value.
func (r *Recipe) checkZero(key string) error {
	v := field(reflect.ValueOf(r).Elem(), key)
	if !v.IsValid() || v.Kind() == reflect.Struct || !v.IsZero() {
		return nil
	}
	full := r.withDefaults()
	if usual := field(reflect.ValueOf(&full).Elem(), key); !usual.IsZero() {
		return fmt.Errorf("%w: %s: %v would be taken for the usual value, %v: leave it out, or give another", ErrRecipe, key, v, usual)
	}
	return nil
}

// field returns the field of a struct at a dotted key; invalid if there is none.
func field(v reflect.Value, key string) (found reflect.Value) {
	name, rest, below := strings.Cut(key, ".")
	eachField(v, func(f reflect.Value, tag string) {
		switch {
		case tag != name:
		case below && f.Kind() == reflect.Struct:
			found = field(f, rest)
		case !below:
			found = f
		}
	})
	return found
}

// Keys returns the keys of all settings, in the order of the fields.
func Keys() []string {
	var r Recipe
	return keysOf(reflect.ValueOf(&r).Elem(), "")
}

func keysOf(v reflect.Value, prefix string) (keys []string) {
	eachField(v, func(f reflect.Value, tag string) {
		if f.Kind() == reflect.Struct {
			keys = append(keys, keysOf(f, prefix+tag+".")...)
			return
		}
		keys = append(keys, prefix+tag)
	})
	return keys
}

// eachField calls f with the fields of a struct and of those embedded in it,
// and their keys.
func eachField(v reflect.Value, f func(field reflect.Value, tag string)) {
	for i := range v.NumField() {
		t := v.Type().Field(i)
		if t.Anonymous {
			eachField(v.Field(i), f)
			continue
		}
		tag, _, _ := strings.Cut(t.Tag.Get("toml"), ",")
		f(v.Field(i), tag)
	}
}

// unknownKey names the settings that a mistyped key may have meant: first those
// of that name in a table.
func unknownKey(key string) error {
	all := Keys()
	last := key[strings.LastIndex(key, ".")+1:]
	var close []string
	for _, k := range all {
		if strings.HasSuffix(k, "."+last) {
			close = append(close, k)
		}
	}
	if len(close) == 0 {
		close = near.Words(key, all)
	}
	if len(close) == 0 {
		close = near.Words(last, all)
	}
	if len(close) == 0 {
		return fmt.Errorf("%w: unknown setting %q", ErrRecipe, key)
	}
	return fmt.Errorf("%w: unknown setting %q; did you mean %s?", ErrRecipe, key, strings.Join(close, " or "))
}

// assign sets v to the value of a text.
func assign(v reflect.Value, text string) (err error) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Trim(text, `"'`))
	case reflect.Bool:
		var b bool
		if b, err = strconv.ParseBool(text); err != nil {
			return fmt.Errorf("%q: want true or false", text)
		}
		v.SetBool(b)
	case reflect.Int:
		var n int64
		if n, err = strconv.ParseInt(text, 10, 0); err != nil {
			return fmt.Errorf("%q: want a whole number", text)
		}
		v.SetInt(n)
	case reflect.Uint64:
		var n uint64
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			return fmt.Errorf("%q: want a whole number from 0", text)
		}
		v.SetUint(n)
	case reflect.Float64:
		var x float64
		if x, err = strconv.ParseFloat(text, 64); err != nil {
			return fmt.Errorf("%q: want a number", text)
		}
		v.SetFloat(x)
	case reflect.Slice, reflect.Array:
		return assignList(v, text)
	default:
		return fmt.Errorf("it is a table: set what is in it")
	}
	return nil
}

// assignList sets a list to values with commas between them, with or without
// brackets around.
func assignList(v reflect.Value, text string) error {
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	var parts []string
	if text != "" {
		parts = strings.Split(text, ",")
	}
	list := v
	if v.Kind() == reflect.Slice {
		list = reflect.MakeSlice(v.Type(), len(parts), len(parts))
	} else if len(parts) != v.Len() {
		return fmt.Errorf("%q: want %d values with commas between them", text, v.Len())
	}
	for i, part := range parts {
		if err := assign(list.Index(i), strings.TrimSpace(part)); err != nil {
			return err
		}
	}
	if v.Kind() == reflect.Slice {
		if len(parts) == 0 {
			list = reflect.Zero(v.Type())
		}
		v.Set(list)
	}
	return nil
}
