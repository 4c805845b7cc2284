package command

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/mixnet-go/mixnet/recipe"
)

// completionCmd prints the script that connects a shell to "mixnet __complete".
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"One of bash, zsh, fish."`
}

// The scripts. Bash cuts words at = and :, so its line is cut again, at spaces.
var completionScripts = map[string]string{
	"bash": `# Add to ~/.bashrc:  source <(mixnet completion bash)
_mixnet() {
  local line=${COMP_LINE:0:COMP_POINT} words last
  IFS=' ' read -r -a words <<<"$line"
  [[ $line == *' ' ]] && words+=('')
  last=${words[-1]}
  local IFS=$'\n'
  COMPREPLY=($(mixnet __complete -- "${words[@]:1}"))
  if [[ $last == *[=:]* ]]; then COMPREPLY=("${COMPREPLY[@]#"${last%"${last##*[=:]}"}"}"); fi
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
}
complete -o default -F _mixnet mixnet
`,
	"zsh": `# Add to ~/.zshrc:  source <(mixnet completion zsh)
_mixnet() {
  local -a found open
  found=("${(@f)$(mixnet __complete -- "${words[@]:1:$((CURRENT-1))}")}")
  if [[ -z "${found[1]}" ]]; then _files; return; fi
  open=(${(M)found:#*=})
  found=(${found:#*=})
  (( $#open )) && compadd -S '' -- "${open[@]}"
  (( $#found )) && compadd -- "${found[@]}"
}
compdef _mixnet mixnet
`,
	"fish": `# Save as ~/.config/fish/completions/mixnet.fish
complete -c mixnet -a '(mixnet __complete -- (commandline -opc)[2..-1] (commandline -ct))'
`,
}

func (c *completionCmd) Run(e *env) error {
	e.printf("%s", completionScripts[c.Shell])
	return nil
}

// completeCmd lists what may stand for the last of the given words.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

func (c *completeCmd) Run(e *env) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	for _, w := range complete(e.app, words) {
		e.printf("%s\n", w)
	}
	return nil
}

// complete returns the candidates for the last word of a command line.
func complete(app *kong.Application, words []string) []string {
	node, flags := app.Node, slices.Clone(app.Flags)
	last, previous := words[len(words)-1], ""
	for _, w := range words[:len(words)-1] {
		previous = w
		if i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == w }); i >= 0 {
			node = node.Children[i]
			flags = append(flags, node.Flags...)
		}
	}
	if node.DefaultCmd != nil {
		flags = append(flags, node.DefaultCmd.Flags...)
	}
	candidates, prefix := positional(node), ""
	if name, _, ok := strings.Cut(last, "="); ok && strings.HasPrefix(name, "--") {
		previous, prefix = name, name+"="
	}
	switch f := flagNamed(flags, previous); {
	case f != nil && !f.IsBool():
		candidates = values(f.Value)
	case strings.HasPrefix(last, "-"):
		candidates = nil
		for _, f := range flags {
			if !f.Hidden {
				candidates = append(candidates, "--"+f.Name)
			}
		}
	}
	var found []string
	for _, s := range candidates {
		if s = prefix + s; strings.HasPrefix(s, last) {
			found = append(found, s)
		}
	}
	return found
}

// positional returns what may stand at the place of an argument.
func positional(node *kong.Node) []string {
	var found []string
	for _, child := range node.Children {
		if !child.Hidden {
			found = append(found, child.Name)
		}
	}
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	for _, p := range node.Positional {
		found = append(found, values(p)...)
	}
	return found
}

// flagNamed returns the flag that a word is, "--lr" or "-b".
func flagNamed(flags []*kong.Flag, word string) *kong.Flag {
	for _, f := range flags {
		if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
			return f
		}
	}
	return nil
}

// values returns the values that a flag or an argument may have, as far as they
// can be listed; names of files are the shell's to find.
func values(v *kong.Value) []string {
	if list := v.EnumSlice(); v.Enum != "" {
		return list
	}
	switch v.Name {
	case "name", "network":
		return networks()
	case "model", "weights":
		return append(networks(), builtInNames()...)
	case "recipe":
		return recipe.Presets()
	case "set":
		return assignable()
	case "opt":
		return texts(recipe.OptimizerKinds())
	case "precision":
		return texts([]recipe.Precision{recipe.Float32, recipe.BFloat16})
	case "sampling":
		return texts([]recipe.Sampling{recipe.Shuffled, recipe.Balanced})
	}
	return nil
}

// assignable returns the beginnings of settings of a recipe, and the whole ones
// where the values can be listed.
func assignable() []string {
	kinds := map[string][]string{"optimizer.kind": texts(recipe.OptimizerKinds()), "schedule.kind": texts(recipe.ScheduleKinds())}
	var all []string
	for _, key := range recipe.Keys() {
		if kinds[key] == nil {
			all = append(all, key+"=")
		}
		for _, k := range kinds[key] {
			all = append(all, key+"="+k)
		}
	}
	return all
}

// networks returns the names of the zoo.
func networks() []string {
	var names []string
	for _, s := range everyNetwork() {
		names = append(names, s.About().Name)
	}
	return names
}

// texts returns choices as strings.
func texts[S ~string](all []S) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = string(s)
	}
	return out
}
